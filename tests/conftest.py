"""What every test process needs before its first import."""

# To show a ResourceWarning, Python imports tracemalloc. When the warning comes while
# tensorflow-datasets imports lazily, that import fails, and with it whatever test was importing.
import os
import tracemalloc  # noqa: F401

for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # of a hook that runs the tests
    os.environ.pop(name, None)
