# The chat server: `docker build -t chat:local .`; with the load harness: `--target loadtest`.
#
# Needs no network but the package index, and of that only what deploy/requirements*.lock name with
# their hashes. The same sources give the same files, times included: SOURCE_DATE_EPOCH sets the
# times, and compiled modules are checked by nothing but their name (PEP 552).

ARG PYTHON_IMAGE=python:3.13-slim


FROM ${PYTHON_IMAGE} AS python
ENV PYTHONDONTWRITEBYTECODE=1


# Only wheels are installed, so that no compiler is needed in any stage.
FROM python AS build
ARG SOURCE_DATE_EPOCH=1767225600
ENV PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONHASHSEED=0
WORKDIR /src
COPY deploy/requirements.lock deploy/requirements-build.lock deploy/
RUN python -m venv --without-pip /opt/chat \
 && python -m pip --python /opt/chat/bin/python install --require-hashes -r deploy/requirements.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r deploy/requirements-build.lock
COPY pyproject.toml README.md ./
COPY chat chat
COPY clients/js/src clients/js/src
COPY loadtest loadtest
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python -m pip --python /opt/chat/bin/python install --no-deps --no-index /wheel/*.whl \
 && python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/chat/lib \
 && mkdir /files \
 && find /opt/chat /files -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +


FROM build AS build-loadtest
ARG SOURCE_DATE_EPOCH=1767225600
COPY deploy/requirements-loadtest.lock deploy/
RUN mkdir /results \
 && python -m pip --python /opt/chat/bin/python install --require-hashes -r deploy/requirements-loadtest.lock \
 && python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/chat/lib \
 && find /opt/chat -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +


# The base's own pip goes too: nothing in a running container can install anything.
FROM python AS runtime
RUN rm -rf /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/ensurepip \
           /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/pydoc*
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="chat" \
      org.opencontainers.image.description="A real-time chat server cluster on asyncio, WebSockets and Redis" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The container's own network is private, so it listens on all of it. HOME: nobody has one here,
# and the root file system may be read-only.
ENV PATH=/opt/chat/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    CHAT_HOST=0.0.0.0 \
    CHAT_OPS_HOST=0.0.0.0 \
    CHAT_LOG_FORMAT=json
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080 9100
# More than CHAT_DRAIN_TIMEOUT and 5 s must pass between SIGTERM and SIGKILL: `--stop-timeout 45`.
STOPSIGNAL SIGTERM


FROM runtime AS loadtest
COPY --from=build-loadtest /opt/chat /opt/chat
# A volume mounted here takes over this folder's owner.
COPY --from=build-loadtest --chown=10001:10001 /results /results
WORKDIR /results
ENTRYPOINT ["python", "-m", "loadtest"]
CMD ["scenarios"]


FROM runtime AS chat
COPY --from=build /opt/chat /opt/chat
# For uploads: a volume mounted here takes over this folder's owner.
COPY --from=build --chown=10001:10001 /files /files
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-m", "chat.ops.healthcheck"]
ENTRYPOINT ["chat"]
CMD ["worker"]
