"""What the code knows of itself, in a page: between `<!-- NAME: generated -->` and `<!-- NAME: end -->`."""

import re

BLOCK = re.compile(r"(<!-- (?P<name>[^:>]+): generated -->\n).*?(<!-- (?P=name): end -->)", re.DOTALL)


def filled(page, blocks):
    """The page with each of its blocks as `blocks` has it, by name. Raises ValueError if the two do not name the same."""
    found = [match["name"] for match in BLOCK.finditer(page)]
    if sorted(found) != sorted(blocks):
        raise ValueError(f"The page has the blocks {sorted(found)}; there are {sorted(blocks)}.")
    return BLOCK.sub(lambda match: f"{match[1]}{blocks[match['name']]}{match[3]}", page)


def table(head, rows):
    """In Markdown; a column that is empty throughout is left out."""
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    lines = [[line[at].replace("|", "\\|") for at in kept] for line in (head, *rows)]
    lines.insert(1, ["---"] * len(kept))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(words):
    """As Markdown writes what is typed; nothing if there is nothing."""
    return f"`{words}`" if words else ""
