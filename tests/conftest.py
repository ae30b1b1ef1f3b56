"""What every test process needs before its first import."""

# To show a ResourceWarning, Python imports tracemalloc. When the warning comes while
# tensorflow-datasets imports lazily, that import fails, and with it whatever test was importing.
import tracemalloc  # noqa: F401
