"""Prints logits of torchvision's and timm's networks with known weights, for the tests.

Not a test, and not run by one: it needs an environment of its own, and writes nothing.

    python -m venv outside
    outside/bin/pip install torch==2.14.1 torchvision==0.29.1 timm==1.0.31
    outside/bin/python tests/components/outside_logits.py

The values go to `architecture/test_published_logits.py`, with the versions that are printed first.
"""

import timm
import torch
import torchvision
from known_weights import fill, images, summarize
from torch import nn
from torchvision import models

SIDE = 96


def googlenet() -> nn.Module:
    """Return torchvision's, with a padding of one pixel where its poolings round sizes up."""
    net = models.googlenet(weights=None, aux_logits=False, init_weights=False)
    for name in ("maxpool1", "maxpool2", "maxpool3", "maxpool4"):
        setattr(net, name, nn.MaxPool2d(3, 2, padding=1))
    return net


def densenet121() -> nn.Module:
    """Return torchvision's, with mean pooling in its stem, as between its blocks."""
    net = models.densenet121(weights=None)
    net.features.pool0 = nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)
    return net


NETWORKS = {
    "convnext_tiny": (lambda: models.convnext_tiny(weights=None), SIDE),
    "convnext_tiny of timm": (lambda: timm.create_model("convnext_tiny"), SIDE),
    "googlenet": (googlenet, SIDE),
    "inception_v3": (
        lambda: models.inception_v3(weights=None, aux_logits=False, init_weights=False),
        SIDE,
    ),
    "resnet18": (lambda: models.resnet18(weights=None), SIDE),
    "resnet34": (lambda: models.resnet34(weights=None), SIDE),
    "resnet50": (lambda: models.resnet50(weights=None), SIDE),
    "densenet121": (densenet121, SIDE),
    "mobilenet": (lambda: timm.create_model("mobilenetv1_100", act_layer=nn.ReLU), SIDE),
    "alexnet": (lambda: models.alexnet(weights=None), 224),
    "vgg": (lambda: models.vgg11(weights=None), 224),
}


def main() -> None:
    """Print each network's number of parameters and logits."""
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {timm.__version__=}")
    for name, (make, side) in NETWORKS.items():
        net, x = make(), images(2, 3, side)
        count = sum(parameter.numel() for parameter in net.parameters())
        with torch.no_grad():
            values = summarize(fill(net, x)(x))
        print(f'    "{name}": ({count:_}, {side}, {[float(f"{f:.12g}") for f in values]}),')


if __name__ == "__main__":
    main()
