"""A step of MobileNetV2 or EfficientNet-B0 in PyTorch (channels last) for rounds.mjs: MODEL BATCH THREADS MODE SIZE."""
import sys
import torch
import torch.nn as nn
from serve import serve

name, batch, threads, mode, size = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
torch.set_num_threads(threads)
is_mobile = name.startswith("mobilenet_v2")
if not is_mobile and name != "efficientnet_b0":
    sys.exit("only mobilenet_v2 and efficientnet_b0 are written here")
alpha = int(name[-3:]) / 100 if is_mobile else 1


def channels(value):
    rounded = max(8, int(value * alpha + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value * alpha else rounded


def block(i, o, k, s, g=1, act=True):
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o, 1e-3, 0.01)]
    return nn.Sequential(*layers, *([nn.ReLU6() if is_mobile else nn.SiLU()] if act else []))


class Gate(nn.Module):
    """Squeeze and excite."""

    def __init__(self, c, inner):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, inner, 1), nn.SiLU(), nn.Conv2d(inner, c, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.body(x)


class Residual(nn.Module):
    def __init__(self, i, o, t, s, k=3):
        super().__init__()
        h = i * t
        first = [block(i, h, 1, 1)] if t != 1 else []
        self.body = nn.Sequential(*first, block(h, h, k, s, h), *([] if is_mobile else [Gate(h, i // 4)]), block(h, o, 1, 1, act=False))
        self.skip = s == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


c = channels(32)
layers = [block(3, c, 3, 2)]
mobile = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3), (6, 320, 1, 1, 3)]
efficient = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]
for t, f, n, s, k in mobile if is_mobile else efficient:
    for i in range(n):
        layers.append(Residual(c, channels(f), t, s if i == 0 else 1, k))
        c = channels(f)
model = nn.Sequential(*layers, block(c, 1280, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 136))
model = model.to(memory_format=torch.channels_last).train(mode == "train")
x = torch.rand(batch, 3, size, size).to(memory_format=torch.channels_last)
y = torch.rand(batch, 136)
adam = torch.optim.Adam(model.parameters(), 1e-4)


def step():
    if mode == "train":
        adam.zero_grad(set_to_none=True)
        ((model(x) - y) ** 2).mean().backward()
        adam.step()
    else:
        with torch.inference_mode():
            model(x)


serve(step, batch, f"PyTorch {torch.__version__}")
