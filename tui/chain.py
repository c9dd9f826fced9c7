"""A picture of a network: a line a layer, lanes for the blobs that are still needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST = 8
"""Lanes that are drawn; a network with more at once shows the rest as one."""


@dataclass(frozen=True)
class Node:
    """One layer, as far as the picture goes."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass
class Lanes:
    """Which blob each lane carries."""

    blobs: list[str] = field(default_factory=list[str])

    def of(self, blob: str) -> int:
        """The lane of a blob; the last of those that are drawn stands for all beyond."""
        return min(self.blobs.index(blob), MOST - 1) if blob in self.blobs else -1

    def put(self, blob: str, lane: int = -1) -> int:
        """Let a lane carry a blob: that lane, or the first that is free."""
        if lane < 0:
            lane = self.blobs.index("") if "" in self.blobs else len(self.blobs)
        if lane == len(self.blobs):
            self.blobs.append("")
        self.blobs[lane] = blob
        return min(lane, MOST - 1)

    def drop(self, blob: str) -> None:
        """Nothing needs the blob any more."""
        self.blobs[self.blobs.index(blob)] = ""
        while self.blobs and not self.blobs[-1]:
            self.blobs.pop()

    @property
    def busy(self) -> set[int]:
        """Lanes that carry something."""
        return {min(lane, MOST - 1) for lane, blob in enumerate(self.blobs) if blob}


def picture(nodes: Sequence[Node], kept: Sequence[str]) -> list[str]:
    """The lanes beside each node, all of one width; `kept` blobs are needed to the end."""
    lines = list(_lines(nodes, kept))
    widest = max(map(len, lines), default=0)
    return [line.ljust(widest) for line in lines]


def _lines(nodes: Sequence[Node], kept: Sequence[str]) -> Iterator[str]:
    last = {name: at for at, node in enumerate(nodes) for name in node.inputs}
    last |= dict.fromkeys(kept, len(nodes))
    lanes = Lanes()
    for at, node in enumerate(nodes):
        read = [name for name in dict.fromkeys(node.inputs) if lanes.of(name) >= 0]
        ending = [name for name in read if last[name] <= at]
        joined = {lanes.of(name): name in ending for name in read}
        passing = lanes.busy
        ending.sort(key=lanes.blobs.index)
        for name in reversed(ending[1:]):
            lanes.drop(name)
        own = lanes.put(_carried(node, at), lanes.blobs.index(ending[0]) if ending else -1)
        yield _line(own, joined, passing)
        for name in node.outputs[1:]:
            if last.get(name, at) > at:
                lanes.put(name)
        if not node.outputs or last.get(node.outputs[0], at) <= at:
            lanes.drop(_carried(node, at))


def _carried(node: Node, at: int) -> str:
    return node.outputs[0] if node.outputs else f"nothing {at}"


def _line(own: int, joined: dict[int, bool], passing: set[int]) -> str:
    """The node's own lane, lines to the lanes that it reads, and those that pass by."""
    low, high = min([own, *joined]), max([own, *joined])
    cells: list[str] = []
    for lane in range(max([high, *passing]) + 1):
        if lane == own:
            cell = "●"
        elif lane in joined:
            cell = _joint(lane < own, joined[lane])
        elif low < lane < high:
            cell = "┼" if lane in passing else "─"
        else:
            cell = "│" if lane in passing else " "
        cells.append(cell + ("─" if low <= lane < high else " "))
    return "".join(cells).rstrip()


def _joint(left: bool, ends: bool) -> str:
    """Where a line meets a lane, which ends there or goes on."""
    return {(True, True): "╰", (True, False): "├", (False, True): "╯", (False, False): "┤"}[left, ends]
