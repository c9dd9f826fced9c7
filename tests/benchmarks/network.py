"""A model's frozen layers in PyTorch, for chains of convolutions and max poolings such as the tutorial's."""

import numpy as np
import torch


class Scaled(torch.nn.Module):
    """Core ML's preprocessing: scale times pixel, plus a bias a channel."""

    def __init__(self, scale, bias):
        super().__init__()
        self.scale, self.bias = scale, torch.tensor(np.asarray(bias, np.float32))[:, None, None]

    def forward(self, x):
        return x * self.scale + self.bias


def frozen_in_torch(model):
    """All layers before the cut."""
    network = model.file.message.neuralNetworkClassifier
    scaler = network.preprocessing[0].scaler
    found = [Scaled(scaler.channelScale, (scaler.redBias, scaler.greenBias, scaler.blueBias))]
    names = {layer.name for layer in model.cut.backbone}
    for layer in network.layers:
        if layer.name in names:
            kind = layer.WhichOneof("layer")
            found.append(MADE[kind](getattr(layer, kind)))
    return torch.nn.Sequential(*found).eval()


def _convolution(its):
    assert its.WhichOneof("ConvolutionPaddingType") == "valid"
    made = torch.nn.Conv2d(its.kernelChannels, its.outputChannels, tuple(its.kernelSize), tuple(its.stride) or 1)
    made.weight.data = torch.tensor(list(its.weights.floatValue)).reshape(made.weight.shape)
    made.bias.data = torch.tensor(list(its.bias.floatValue)) if its.hasBias else torch.zeros(its.outputChannels)
    return made


MADE = {
    "convolution": _convolution,
    "pooling": lambda its: torch.nn.MaxPool2d(tuple(its.kernelSize), tuple(its.stride)),
    "activation": lambda its: torch.nn.ReLU(),
    "flatten": lambda its: torch.nn.Flatten(),
}
