# One process, one folder of state. Build: docker build -t chatops .  Run: docker run -v state:/state chatops
FROM python:3.11-slim
WORKDIR /opt/chatops
# git: to try patches where a checkout is configured.
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY requirements/run.txt requirements/build.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY chatops chatops
COPY adapters adapters
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --create-home --home-dir /state bot
USER bot
WORKDIR /state
VOLUME /state
STOPSIGNAL SIGTERM
ENTRYPOINT ["chatops"]
CMD ["run"]
