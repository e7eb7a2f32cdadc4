# One image for web and worker processes: `serve`, `worker`, `migrate` and every other command of `tocsin`.
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make git && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
# Installs by the hashes of the lock files and compiles the catalogues; the Node it needs comes from a lock file too.
RUN make setup && rm -rf node_modules

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 tocsin && install -d -o tocsin -g tocsin /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH="/app/.venv/bin:$PATH" TOCSIN_DATA_DIR=/data TOCSIN_HOST=0.0.0.0
USER tocsin
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["tocsin"]
CMD ["serve"]
