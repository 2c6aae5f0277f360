"""Runs one converter's function on many models in one process, as an import takes seconds.

`python convert_many.py CONVERTER SUPPORT OUT SOURCE…`: for each source a folder with the files of
the conversion and `answer.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    converter, support, out, *sources = sys.argv[1:]
    sys.path[:0] = [converter, support]
    from conversion import Refused
    from convert import convert

    for source in sources:
        folder = Path(out, Path(source).name)
        folder.mkdir()
        request = {"source": source, "samples": None, "trust": True, "options": {}}
        try:
            answer: dict[str, Any] = convert({**request, "out": str(folder)})
        except Refused as error:
            answer = {"error": str(error), "remedy": error.remedy}
        (folder / "answer.json").write_text(json.dumps(answer), "utf-8")
