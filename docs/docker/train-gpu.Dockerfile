# Trains on an NVIDIA GPU. The image needs no CUDA of its own: TensorFlow's wheel brings CUDA 12 and cuDNN, and the NVIDIA
# container toolkit of the host brings the driver (525.60.13 or later).
#
#   docker build -f docs/docker/train-gpu.Dockerfile -t acr-gpu .
#   docker run --rm --gpus all -v "$PWD/data:/data" -v "$PWD/runs:/runs" acr-gpu \
#     train --dataset 300w --root /data/300w --out /runs/first
FROM node:22-bookworm-slim

# g++ links tfjs-node's binding, pip downloads TensorFlow. Debian's releases change no more than their security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates g++ python3-pip \
    && rm -rf /var/lib/apt/lists/*

ENV ACR_TENSORFLOW_DIR=/opt/acr/tensorflow \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /opt/acr/source
COPY . .
RUN npm ci --no-audit --no-fund && npm run build

# Where the image is built there is no GPU: the check trains a step on the CPU. `acr doctor` in the container says what it sees.
RUN node packages/cli/bin/acr.js backend install tensorflow --cuda --dir "$ACR_TENSORFLOW_DIR"

WORKDIR /work
ENTRYPOINT ["node", "/opt/acr/source/packages/cli/bin/acr.js"]
CMD ["doctor"]
