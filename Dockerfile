# Two images out of one file: `api` (API, worker, migration, jobs) and `web` (nginx with both apps).
#   docker compose build

# ── Both apps ────────────────────────────────────────────────────────────────────────────────────
FROM node:22-trixie-slim AS front-ends
WORKDIR /build
COPY h5-member/package.json h5-member/package-lock.json h5-member/
COPY admin-web/package.json admin-web/package-lock.json admin-web/
RUN npm --prefix h5-member ci --no-audit --no-fund && npm --prefix admin-web ci --no-audit --no-fund
COPY web-shared web-shared
COPY h5-member h5-member
COPY admin-web admin-web
RUN npm --prefix h5-member run build && npm --prefix admin-web run build
COPY nginx/pack-pages.mjs nginx/
RUN node nginx/pack-pages.mjs /pages

# ── Python packages, each checked against its hash ───────────────────────────────────────────────
FROM python:3.13-slim-trixie AS packages
# One of them comes as source; what compiles it stays in this stage.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY requirements/app.txt /app.txt
RUN python -m venv /opt/camp && /opt/camp/bin/pip install --no-cache-dir --require-hashes -r /app.txt

# ── API, worker and commands ─────────────────────────────────────────────────────────────────────
FROM python:3.13-slim-trixie AS api
RUN useradd --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin camp \
    && install -d -o camp -g camp /var/lib/camp/pictures
COPY --from=packages /opt/camp /opt/camp
WORKDIR /app
COPY migrations migrations
COPY backend backend
ENV PATH=/opt/camp/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "backend"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

# ── What nginx must know of the pages' scripts ───────────────────────────────────────────────────
FROM api AS policies
COPY --from=front-ends /build/h5-member/dist /build/h5-member/dist
COPY --from=front-ends /build/admin-web/dist /build/admin-web/dist
RUN ["/bin/sh", "-c", "python -m backend page-policies --directory /build > /tmp/policies.conf"]

# ── nginx with both apps ─────────────────────────────────────────────────────────────────────────
FROM debian:trixie-slim AS web
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx libnginx-mod-http-brotli-static \
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled /etc/nginx/conf.d \
    && useradd --uid 10002 --home-dir /nonexistent --shell /usr/sbin/nologin web \
    && install -d /var/lib/camp/challenges /var/lib/camp/verifications
COPY nginx /etc/nginx/camp
COPY --from=policies /tmp/policies.conf /etc/nginx/camp/policies.conf
RUN mv /etc/nginx/camp/container.conf /etc/nginx/nginx.conf \
    && cp /etc/nginx/camp/optional/brotli.conf /etc/nginx/camp/
COPY --from=front-ends /pages /var/lib/camp/pages
# Ports above 1024: it doesn't run as root.
ENV WEB_HTTP_PORT=8080 WEB_HTTPS_PORT=8443 WEB_API=api:8000 WEB_ACCESS_LOG=/dev/stdout \
    WEB_CERTIFICATES=/certificates
USER 10002:10002
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /_up HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '^ok' <&3"]
# /run is in memory, and the only place that is written to.
ENTRYPOINT ["/bin/sh", "-c", "/etc/nginx/camp/render > /run/camp.conf && exec nginx -e stderr -g 'daemon off;'"]
