"""Pages in headless Chromium: what each says of itself at a given width."""

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
FRAME = '<iframe src="{page}" style="width: {width}px; height: 800px; border: 0"></iframe>'
WATCH = """<!doctype html>{frames}<pre></pre><script>
onload = () => {{
  const found = [...Array(frames.length).keys()].map(number => {{
    const page = frames[number].document, images = [...page.images];
    return {{
      title: page.title,
      wide: page.scrollingElement.scrollWidth,
      images: images.length,
      drawn: images.filter(x => x.complete && x.naturalWidth > 0).length,
      probe: ({probe})(page),
    }};
  }});
  document.querySelector("pre").textContent = JSON.stringify(found);
}};
</script>
"""


def seen(views, scratch, probe="page => null"):
    """What a browser sees of each (HTML file, width): title, wide (pixels), images, drawn, errors.

    And probe: what that function of JavaScript says of its document.

    Skips the test where there is no Chromium.
    """
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("no chromium in PATH (on Debian: apt install chromium)")
    watch = scratch / "watch.html"
    places = [page.resolve().as_uri() for page, _ in views]
    frames = [FRAME.format(page=place, width=width) for place, (_, width) in zip(places, views)]
    watch.write_text(WATCH.format(frames="".join(frames), probe=probe))
    flags = [f"--user-data-dir={scratch / 'profile'}", "--allow-file-access-from-files"]
    command = [chromium, *QUIET, *flags, "--enable-logging=stderr", "--dump-dom", watch.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = re.search(r"<pre>(.+)</pre>", done.stdout)
    assert said, done.stderr
    lines = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    found = json.loads(said[1])
    for view, place in zip(found, places, strict=True):
        others = set(places) - {place}  # what names no page may be of any
        view["errors"] = [line for line in lines if not any(other in line for other in others)]
    return found
