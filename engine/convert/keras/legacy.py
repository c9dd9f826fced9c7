"""Keras 1: its names of classes and settings, as Keras 2 and 3 call them."""

from typing import Any

from engine.convert.keras.plain import mapping

CLASSES = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "Model": "Functional",
}
FIELDS = {
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "bias": "use_bias",
    "output_dim": "units",
    "atrous_rate": "dilation_rate",
}
ORDERS = {"th": "channels_first", "tf": "channels_last"}
MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}


def modern(kind: str, config: Any) -> tuple[str, Any]:
    """A class and its settings under their later names; what has none stays, to be refused by name."""
    settings = mapping(config)
    if settings is None:
        return kind, config
    named = {FIELDS.get(key, key): value for key, value in settings.items()}
    if "nb_row" in named:
        named["kernel_size"] = [named["nb_row"], named["nb_col"]]
    if named.get("dim_ordering") in ORDERS:
        named["data_format"] = ORDERS[named["dim_ordering"]]
    if kind == "Merge" and named.get("mode") in MERGES:
        return MERGES[named["mode"]], {**named, "axis": named.get("concat_axis", -1)}
    sides = mapping(named.get("padding"))
    if sides is not None:
        borders = (("top_pad", "bottom_pad"), ("left_pad", "right_pad"))
        named["padding"] = [[sides.get(side, 0) for side in axis] for axis in borders]
    return CLASSES.get(kind, kind), named
