FROM python:3.12-slim
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY portal portal
COPY harvesters harvesters
COPY schemas schemas
COPY search search
COPY i18n i18n
COPY demo demo
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home --uid 10001 portal && mkdir /data /scratch && chown portal /data /scratch
USER portal
# Everything that lasts is below /data, unfinished uploads and reads below /scratch; nothing else is written.
ENV TMPDIR=/scratch PYTHONDONTWRITEBYTECODE=1
VOLUME ["/data", "/scratch"]
EXPOSE 5000
CMD ["portal", "serve", "--host", "0.0.0.0", "--port", "5000"]
