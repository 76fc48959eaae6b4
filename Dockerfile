# One image for every node: which one it runs, a container is told by its arguments.
#
#   mlops image build        the same as: docker build --platform linux/amd64 \
#                              --build-arg COMMIT=$(git rev-parse HEAD) -t mlops_framework .
#
# The base can be any Debian-like image with Python 3.11 to 3.13, pinned by digest where it matters.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/image.txt /build/
# Only wheels, only those whose hash is in the lock: nothing is compiled and nothing else runs. A
# company's own index and certificates are mounted for this step alone and are in no layer.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
 && python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --require-hashes --only-binary :all: --compile \
      -r /build/image.txt \
 && /opt/venv/bin/pip uninstall --quiet --yes pip setuptools \
 && find /opt/venv/lib -type d \( -name tests -o -path '*/pyarrow/include' -o -path '*/pyarrow/src' \) \
      -prune -exec rm -rf {} +

FROM ${BASE}
ARG COMMIT=""
ARG VERSION=""
LABEL org.opencontainers.image.title="mlops_framework" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TQDM_DISABLE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    MLOPS_GIT_COMMIT=${COMMIT}
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY mlops.yml main.py ./
COPY sf_ml_framework sf_ml_framework
COPY src src
# The manifest is kept beside the code, so that a container begins without importing every node.
RUN PYTHONDONTWRITEBYTECODE= python -m compileall -q sf_ml_framework src \
 && python main.py list > /dev/null
USER 10001:10001
ENTRYPOINT ["python", "src/utils/run_node.py"]
