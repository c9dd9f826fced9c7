# `just` runs what a change must pass.

check: lint types test

# README's test command
test:
    python -m pytest

lint:
    ruff format --check engine tui tests samples
    ruff check engine tui tests samples
    lint-imports

types:
    pyright

format:
    ruff format engine tui tests samples
    ruff check --fix engine tui tests samples

# Make every sample again from its seed
samples:
    python -m samples.make

# Write the parts of docs/ that the code knows
pages:
    python -m tests.documents.pages --write

# The site, into build/site; needs no network
docs:
    NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet --config-file .mkdocs.yml

# Record the app for the README
recording:
    python -m tests.documents.recording

# The figures on photographs of one's own: FOLDER/<label>/*.jpg
learning MODEL FOLDER:
    python tests/benchmarks/learning.py {{MODEL}} {{FOLDER}}

# Key to repaint, and bytes on the line
terminal MODEL FOLDER:
    python tests/benchmarks/terminal.py {{MODEL}} {{FOLDER}}

# Everything that is timed, beside what else there is: writes docs/performance.md; half an hour
bench MODEL FOLDER:
    python tests/benchmarks/performance.py {{MODEL}} {{FOLDER}}

# coremltools' own tests of layers and models, against the engine
conformance-core:
    CONFORMANCE_RECORD=conformance-core.json python -m pytest -n 0 tests/conformance

# The same, and the operators of its converters: the better part of an hour; then docs/fidelity.md
conformance: conformance-core
    CONFORMANCE_RECORD=conformance-operators.json python -m pytest -n 0 tests/conformance/operators.py -W "ignore::pytest.PytestCollectionWarning"
    python tests/conformance/report.py conformance-core.json conformance-operators.json

# Whole networks, and everything else that takes minutes
slow:
    python -m pytest -m slow

# Hostile runs, each as long as it takes; then docs/reliability.md
hostile:
    python -m tests.hostile.kills
    python -m tests.hostile.tested
    python -m tests.hostile.damage
    python -m tests.hostile.faults
    python -m tests.hostile.models --minutes 60
    python -m tests.hostile.pictures
    python -m tests.documents.pages --write

# Known weaknesses in what is installed, and patterns of our own; `pip install -e '.[audit]'` first, and a network
audit:
    pip-audit --strict --disable-pip -r requirements-dev.lock
    bandit --quiet --recursive --configfile pyproject.toml engine tui

# How fast a new classifier learns: FOLDER/<label>/*.jpg
starter FOLDER:
    python tests/benchmarks/starter.py {{FOLDER}}

# The versions that CI runs with
lock:
    uv pip compile pyproject.toml --universal --no-emit-index-url --no-header -o requirements.lock
    uv pip compile pyproject.toml --extra dev --extra docs --universal --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
