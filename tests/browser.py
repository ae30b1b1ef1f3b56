"""A page in headless Chromium: what it says of itself at a given width."""

import json
import re
import shutil
import subprocess

import pytest

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage"
).split()
# An iframe has the width it is given; a window is never narrower than 500.
WATCH = """<!doctype html><iframe src="{page}" style="width: {width}px; height: 800px; border: 0">
</iframe><pre></pre><script>
onload = () => {{
  const page = frames[0].document, images = [...page.images];
  document.querySelector("pre").textContent = JSON.stringify({{
    title: page.title,
    wide: page.scrollingElement.scrollWidth,
    images: images.length,
    drawn: images.filter(x => x.complete && x.naturalWidth > 0).length,
  }});
}};
</script>
"""


def seen(page, width, scratch):
    """What a browser sees of an HTML file: title, wide (pixels), images, drawn, errors.

    Skips the test where there is no Chromium.
    """
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("no chromium in PATH (on Debian: apt install chromium)")
    watch = scratch / "watch.html"
    watch.write_text(WATCH.format(page=page.resolve().as_uri(), width=width))
    flags = [f"--user-data-dir={scratch / 'profile'}", "--allow-file-access-from-files"]
    command = [chromium, *QUIET, *flags, "--enable-logging=stderr", "--dump-dom", watch.as_uri()]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = re.search(r"<pre>(.+)</pre>", found.stdout)
    assert said, found.stderr
    errors = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(said[1]) | {"errors": errors}
