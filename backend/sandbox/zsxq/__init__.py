"""A simulator of 知识星球's private API: planets, members, check-in projects, posts and injectable faults."""

from backend.sandbox.zsxq.app import SandboxTransport, ZsxqSandbox
from backend.sandbox.zsxq.faults import Fault
from backend.sandbox.zsxq.world import Call

__all__ = ["Call", "Fault", "SandboxTransport", "ZsxqSandbox"]
