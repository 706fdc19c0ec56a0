# The integration alone: no sandbox, no tests. Build: docker build -t port-ocean-incident-comms .
# Named and laid out as Port's own Ocean images, so that the chart port-labs/port-ocean runs it.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS base
WORKDIR /app
ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml requirements.lock README.md ./
# The lock says which version of each; the project says which of them are the product's.
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --constraint requirements.lock .

FROM ${PYTHON_IMAGE} AS prod
ARG OCEAN_USER_ID=999
ARG INTEGRATION_VERSION
LABEL INTEGRATION_VERSION=${INTEGRATION_VERSION}
ENV PATH="/app/.venv/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PROMETHEUS_MULTIPROC_DIR=/tmp/ocean/prometheus/metrics \
    STREAMING_LOCATION=/tmp/ocean/streaming
RUN groupadd -r appgroup && useradd -r -g appgroup -m -u ${OCEAN_USER_ID} ocean \
    && mkdir -p ${PROMETHEUS_MULTIPROC_DIR} ${STREAMING_LOCATION} \
    && chown -R ocean:appgroup /tmp/ocean
WORKDIR /app
COPY --from=base /app/.venv .venv
COPY pyproject.toml config.yaml main.py ./
COPY .port .port
COPY integration integration
COPY actions actions
COPY blueprints blueprints
COPY entities entities
COPY scorecards scorecards
COPY pages pages
COPY agents agents
USER ocean
EXPOSE 8000
# On SIGTERM it takes nothing new and finishes within config.yaml's maxWaitSecondsBeforeShutdown.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
# Ocean itself is process 1, so that signals reach it.
CMD ["ocean", "sail", "/app"]
