"""A model's inputs and outputs as plain values: what each takes, and which sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

COLORS = {10: "GRAYSCALE", 20: "RGB", 30: "BGR", 40: "GRAYSCALE_FLOAT16"}
DTYPES = {65568: "float32", 65600: "float64", 131104: "int32", 65552: "float16", 131080: "int8"}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sizes:
    """Other sizes than the default that an input may have; without any, the default is the only one."""

    listed: tuple[Shape, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    """Smallest and largest size of every axis; a largest below 0 sets no end."""

    def admit(self, shape: Shape, default: Shape) -> bool:
        """Whether an array of `shape` may be given."""
        if shape == default or shape in self.listed:
            return True
        pairs = zip(shape, self.ranges, strict=len(shape) == len(self.ranges))
        return len(shape) == len(self.ranges) and all(
            low <= size and (high < 0 or size <= high) for size, (low, high) in pairs
        )

    def __str__(self) -> str:
        words = [words_of(each) for each in self.listed]
        if self.ranges:
            words.append(" x ".join(_range_words(low, high) for low, high in self.ranges))
        return ", ".join(words)


@dataclass(frozen=True)
class ImageFeature:
    """An image input or output; `color` names the order of channels in the blob."""

    name: str
    width: int
    height: int
    color: str
    optional: bool = False
    sizes: Sizes = Sizes()
    """Other (height, width) that are allowed."""

    @property
    def channels(self) -> int:
        """3 for RGB and BGR, 1 for grey."""
        return 3 if self.color in ("RGB", "BGR") else 1

    def sized(self, width: int, height: int) -> "ImageFeature":
        """The same in another size."""
        return replace(self, width=width, height=height)

    def admits(self, shape: Shape) -> bool:
        """Whether pixels of `shape`, (height, width, channels), may be given."""
        return shape[2:] == (self.channels,) and self.sizes.admit(shape[:2], (self.height, self.width))


@dataclass(frozen=True)
class ArrayFeature:
    """A multi-array input or output."""

    name: str
    shape: Shape
    """The default; empty where the model says none."""
    dtype: str
    optional: bool = False
    sizes: Sizes = Sizes()
    default: float = 0.0
    """Every number of an optional input that is not given."""

    def admits(self, shape: Shape) -> bool:
        """Whether an array of `shape` may be given."""
        return not self.shape or self.sizes.admit(shape, self.shape)


@dataclass(frozen=True)
class ValueFeature:
    """Any other input or output: `kind` is string, int64, double, dictionary or sequence."""

    name: str
    kind: str
    optional: bool = False


Feature = ImageFeature | ArrayFeature | ValueFeature


def size_of(feature: Feature) -> Shape:
    """Height, width and channels of an image, the default sizes of an array; nothing of any other."""
    if isinstance(feature, ImageFeature):
        return feature.height, feature.width, feature.channels
    return feature.shape if isinstance(feature, ArrayFeature) else ()


def feature_of(feature: Any) -> Feature:
    """From a protobuf `FeatureDescription`."""
    name, kind, optional = feature.name, feature.type.WhichOneof("Type"), feature.type.isOptional
    if kind == "imageType":
        its = feature.type.imageType
        color = COLORS.get(its.colorSpace, "INVALID")
        return ImageFeature(name, its.width, its.height, color, optional, _image_sizes(its))
    if kind == "multiArrayType":
        its = feature.type.multiArrayType
        which = its.WhichOneof("defaultOptionalValue")
        default = float(getattr(its, which)) if which else 0.0
        dtype = DTYPES.get(its.dataType, "float32")
        return ArrayFeature(name, tuple(its.shape), dtype, optional, _array_sizes(its), default)
    return ValueFeature(name, (kind or "nothing").removesuffix("Type"), optional)


def words_of(shape: Sequence[int]) -> str:
    """`3 x 5 x 7`"""
    return " x ".join(map(str, shape)) or "a single number"


def _range_words(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} or more" if high < 0 else f"{low} to {high}"


def _image_sizes(its: Any) -> Sizes:
    listed = tuple((each.height, each.width) for each in its.enumeratedSizes.sizes)
    if its.WhichOneof("SizeFlexibility") != "imageSizeRange":
        return Sizes(listed)
    both = (its.imageSizeRange.heightRange, its.imageSizeRange.widthRange)
    return Sizes(ranges=tuple((each.lowerBound, each.upperBound) for each in both))


def _array_sizes(its: Any) -> Sizes:
    listed = tuple(tuple(each.shape) for each in its.enumeratedShapes.shapes)
    if its.WhichOneof("ShapeFlexibility") != "shapeRange":
        return Sizes(listed)
    return Sizes(ranges=tuple((each.lowerBound, each.upperBound) for each in its.shapeRange.sizeRanges))
