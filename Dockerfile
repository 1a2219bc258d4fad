# The agent's image: our wheel and its locked dependencies; nothing to compile with, no installer, no secret, no root.
#   docker build --tag bridgehead .
# EXTRAS are the families and formats it can do. Another registry: --build-arg PYTHON_IMAGE=…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=mysql,odbc,oracle,sheets,statement
# mysqlclient is compiled here; what it is compiled with stays here.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv tools \
 && sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock >tools.txt \
 && tools/bin/pip install --no-cache-dir --require-hashes --requirement tools.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY bridge bridge/
COPY connectors connectors/
COPY reconcile reconcile/
COPY config config/
COPY dags dags/
RUN tools/bin/python -c "from setuptools import build_meta; build_meta.build_wheel('dist')"
# Every package by its hash. Without pip of its own: what runs cannot install.
COPY deploy/container/install ./
RUN python -m venv --without-pip /opt/bridgehead \
 && tools/bin/python install /opt/bridgehead/bin/python requirements.lock dist/*.whl "${EXTRAS}"

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}
# The client library of mysqlclient, a process that reaps, and Chinese characters for statements.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends fonts-droid-fallback libmariadb3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin bridgehead
COPY --from=build /opt/bridgehead /opt/bridgehead
COPY --chmod=0555 deploy/container/agent deploy/container/health /usr/local/bin/
ENV PATH=/opt/bridgehead/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGEHEAD_CONFIG=/etc/bridgehead \
    HOME=/tmp
USER 10001:10001
WORKDIR /tmp
# Healthy: a pass has ended lately, and the ledger answers. Books that do not balance are no matter of the container's.
HEALTHCHECK --interval=60s --timeout=30s --start-period=120s --retries=3 CMD ["health"]
ENTRYPOINT ["tini", "--"]
CMD ["agent"]
