# Gyre's command line in a small image: ./gyre's commands, on io_uring where the engine lets it, on NIO elsewhere.
#
#   docker build -t gyre .
#   docker run --rm gyre doctor
#   docker run --rm --security-opt seccomp=docker/seccomp.json gyre doctor
#
# README.md, "In a container", says what the third line grants.

FROM debian:trixie-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-25-jdk-headless maven \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The tests are ./gyre test's: they need a kernel that lets them make rings, which a build seldom has.
RUN --mount=type=cache,target=/root/.m2 \
    docker/build-program /opt/gyre

FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends liburing2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /data --create-home gyre
COPY --from=build /opt/gyre /opt/gyre
RUN ln -s /opt/gyre/bin/gyre /usr/local/bin/gyre
# By number, so that runAsNonRoot of Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /data
# The signal that echo and serve drain on; the program is process 1, and nothing stands between.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=5s CMD ["gyre", "doctor"]
ENTRYPOINT ["gyre"]
CMD ["doctor"]
