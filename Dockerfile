# Morgan's images. Targets: cpu, and one for each CUDA profile of versions.toml (cuda-12.4, ...). Each serves all five
# services; the command says which (`serve`, `serve stt`). scripts/registry-build.sh builds, tags and pushes;
# docs/operations.md says how to use them.
#
# Stages, from what changes rarely to what changes often: packages, engine-sources, engines-PROFILE, built-PROFILE. A
# change of Morgan's sources rebuilds the last only, and a cache mount keeps the objects whose sources did not change.
# No heredocs and no syntax line: an engine that may pull nothing builds it, too.

# align: begin images
ARG DEBIAN_IMAGE=debian:bookworm-20250520-slim
ARG CUDA_12_4_IMAGE=nvidia/cuda:12.4.1-devel-ubuntu22.04
ARG CUDA_12_8_IMAGE=nvidia/cuda:12.8.1-devel-ubuntu22.04
ARG CUDA_13_0_IMAGE=nvidia/cuda:13.0.2-devel-ubuntu22.04
# align: end

# --- What compiles: Debian's packages -----------------------------------------------------------------------------------
FROM ${DEBIAN_IMAGE} AS packages
WORKDIR /src
COPY scripts/bootstrap.sh scripts/packages.txt scripts/
RUN scripts/bootstrap.sh image

# --- The pinned sources, each checked by its hash -----------------------------------------------------------------------
FROM packages AS engine-sources
COPY versions.toml ./
COPY scripts/fetch.py scripts/align.py scripts/
RUN python3 scripts/fetch.py llama-cpp whisper-cpp libdatachannel onnxruntime-headers
ENV LANG=C.UTF-8

# --- What runs: no compiler, no rights ----------------------------------------------------------------------------------
FROM ${DEBIAN_IMAGE} AS runtime
ENV MORGAN_HOME=/var/lib/morgan MORGAN_SERVER_HOST=0.0.0.0 MORGAN_WYOMING_ANNOUNCE=false
RUN mkdir -p /var/lib/morgan/models /var/lib/morgan/cache && chown -R 10001:10001 /var/lib/morgan
WORKDIR /var/lib/morgan
EXPOSE 8000 8001 8002 8003 8004 10300
ENTRYPOINT ["/opt/morgan/bin/morgan"]
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/opt/morgan/bin/morgan", "health"]

# --- One chain of stages for each profile -------------------------------------------------------------------------------
# align: begin targets
FROM engine-sources AS engines-cpu
ENV MORGAN_PROFILE=cpu
RUN python3 scripts/fetch.py --profile cpu
# The processors that the image is for; "native" is the one that builds it.
ARG MORGAN_CPU=x86-64-v3
ENV MORGAN_CPU=${MORGAN_CPU}
COPY scripts/build.sh scripts/
COPY deps deps
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh engines

FROM engines-cpu AS built-cpu
COPY . .
ARG MORGAN_COMMIT=unknown
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh release && scripts/stage_image.sh /out

FROM runtime AS packages-cpu
COPY --from=built-cpu /out/packages.txt /opt/morgan/
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/cache/apt apt-get update -qq \
    && xargs -a /opt/morgan/packages.txt apt-get install -qq -y --no-install-recommends >/dev/null

FROM built-cpu AS bill-cpu
COPY --from=packages-cpu /var/lib/dpkg/status /out/dpkg-status
RUN python3 scripts/sbom.py --profile cpu --packages /out/dpkg-status >/out/morgan/sbom.cdx.json

FROM packages-cpu AS cpu
ENV MORGAN_PROFILE=cpu
COPY --from=bill-cpu /out/morgan/ /opt/morgan/
USER 10001:10001

FROM ${CUDA_12_4_IMAGE} AS toolkit-cuda-12.4
FROM engine-sources AS engines-cuda-12.4
ENV MORGAN_PROFILE=cuda-12.4
ENV CUDA_HOME=/usr/local/cuda
COPY --from=toolkit-cuda-12.4 /usr/local/cuda/ /usr/local/cuda/
RUN python3 scripts/fetch.py --profile cuda-12.4
# The processors that the image is for; "native" is the one that builds it.
ARG MORGAN_CPU=x86-64-v3
ENV MORGAN_CPU=${MORGAN_CPU}
COPY scripts/build.sh scripts/
COPY deps deps
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh engines

FROM engines-cuda-12.4 AS built-cuda-12.4
COPY . .
ARG MORGAN_COMMIT=unknown
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh release && scripts/stage_image.sh /out

FROM runtime AS packages-cuda-12.4
COPY --from=built-cuda-12.4 /out/packages.txt /opt/morgan/
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/cache/apt apt-get update -qq \
    && xargs -a /opt/morgan/packages.txt apt-get install -qq -y --no-install-recommends >/dev/null

FROM built-cuda-12.4 AS bill-cuda-12.4
COPY --from=packages-cuda-12.4 /var/lib/dpkg/status /out/dpkg-status
RUN python3 scripts/sbom.py --profile cuda-12.4 --packages /out/dpkg-status >/out/morgan/sbom.cdx.json

FROM packages-cuda-12.4 AS cuda-12.4
ENV MORGAN_PROFILE=cuda-12.4
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=bill-cuda-12.4 /out/morgan/ /opt/morgan/
USER 10001:10001

FROM ${CUDA_12_8_IMAGE} AS toolkit-cuda-12.8
FROM engine-sources AS engines-cuda-12.8
ENV MORGAN_PROFILE=cuda-12.8
ENV CUDA_HOME=/usr/local/cuda
COPY --from=toolkit-cuda-12.8 /usr/local/cuda/ /usr/local/cuda/
RUN python3 scripts/fetch.py --profile cuda-12.8
# The processors that the image is for; "native" is the one that builds it.
ARG MORGAN_CPU=x86-64-v3
ENV MORGAN_CPU=${MORGAN_CPU}
COPY scripts/build.sh scripts/
COPY deps deps
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh engines

FROM engines-cuda-12.8 AS built-cuda-12.8
COPY . .
ARG MORGAN_COMMIT=unknown
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh release && scripts/stage_image.sh /out

FROM runtime AS packages-cuda-12.8
COPY --from=built-cuda-12.8 /out/packages.txt /opt/morgan/
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/cache/apt apt-get update -qq \
    && xargs -a /opt/morgan/packages.txt apt-get install -qq -y --no-install-recommends >/dev/null

FROM built-cuda-12.8 AS bill-cuda-12.8
COPY --from=packages-cuda-12.8 /var/lib/dpkg/status /out/dpkg-status
RUN python3 scripts/sbom.py --profile cuda-12.8 --packages /out/dpkg-status >/out/morgan/sbom.cdx.json

FROM packages-cuda-12.8 AS cuda-12.8
ENV MORGAN_PROFILE=cuda-12.8
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=bill-cuda-12.8 /out/morgan/ /opt/morgan/
USER 10001:10001

FROM ${CUDA_13_0_IMAGE} AS toolkit-cuda-13.0
FROM engine-sources AS engines-cuda-13.0
ENV MORGAN_PROFILE=cuda-13.0
ENV CUDA_HOME=/usr/local/cuda
COPY --from=toolkit-cuda-13.0 /usr/local/cuda/ /usr/local/cuda/
RUN python3 scripts/fetch.py --profile cuda-13.0
# The processors that the image is for; "native" is the one that builds it.
ARG MORGAN_CPU=x86-64-v3
ENV MORGAN_CPU=${MORGAN_CPU}
COPY scripts/build.sh scripts/
COPY deps deps
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh engines

FROM engines-cuda-13.0 AS built-cuda-13.0
COPY . .
ARG MORGAN_COMMIT=unknown
RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh release && scripts/stage_image.sh /out

FROM runtime AS packages-cuda-13.0
COPY --from=built-cuda-13.0 /out/packages.txt /opt/morgan/
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/cache/apt apt-get update -qq \
    && xargs -a /opt/morgan/packages.txt apt-get install -qq -y --no-install-recommends >/dev/null

FROM built-cuda-13.0 AS bill-cuda-13.0
COPY --from=packages-cuda-13.0 /var/lib/dpkg/status /out/dpkg-status
RUN python3 scripts/sbom.py --profile cuda-13.0 --packages /out/dpkg-status >/out/morgan/sbom.cdx.json

FROM packages-cuda-13.0 AS cuda-13.0
ENV MORGAN_PROFILE=cuda-13.0
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=bill-cuda-13.0 /out/morgan/ /opt/morgan/
USER 10001:10001
# align: end
