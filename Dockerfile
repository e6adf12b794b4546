# The whole book in a container: docker build -t mer . && docker run --rm -p 8000:8000 mer
FROM python:3.12-slim

# make: as the README says; git: a run notes its commit; chromium: pages on paper, and their tests; the rest: OpenCV.
RUN apt-get update && apt-get install -y --no-install-recommends \
    make git chromium libgl1 libglib2.0-0 libxcb1 && rm -rf /var/lib/apt/lists/*

WORKDIR /book
COPY . .
RUN make .venv/installed TORCH_BACKEND=cpu
CMD ["sh", "-c", ".venv/bin/mer book --stored && exec .venv/bin/python -m http.server 8000 --directory _build/html"]
