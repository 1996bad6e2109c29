# syntax=docker/dockerfile:1
# One image for `reconciler run` and `reconciler agent`: slim, non-root, read-only root file system friendly.
ARG PYTHON_VERSION=3.13

FROM docker.io/library/python:${PYTHON_VERSION}-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY reconciler reconciler
COPY schemas schemas
COPY fleet-repo-example fleet-repo-example
RUN python -m venv /opt/reconciler \
 && /opt/reconciler/bin/pip install --no-cache-dir --constraint constraints.txt '.[github-app]' \
 && /opt/reconciler/bin/pip uninstall --yes pip \
 && find /opt/reconciler -name '__pycache__' -prune -exec rm -rf {} +

FROM docker.io/library/python:${PYTHON_VERSION}-slim
# git fetches and pushes; openssh-client is Git's SSH transport. Nothing else is needed. No versions are pinned: Debian keeps one
# of each package in a release, and a pinned one is gone with the next security fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git openssh-client ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 65532 reconciler \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/fleet-reconciler --create-home --shell /usr/sbin/nologin reconciler
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /var/lib/fleet-reconciler
# 8080: webhooks. 8081: /metrics, /healthz and /readyz.
EXPOSE 8080 8081
ENTRYPOINT ["reconciler"]
CMD ["--help"]
