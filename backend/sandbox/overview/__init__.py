"""The page that shows the simulators' state and lets a person inject faults."""

from backend.sandbox.overview.page import Overview
from backend.sandbox.overview.view import Simulators

__all__ = ["Overview", "Simulators"]
