"""What every describer, model and embedder keeps, as checks that a backend of anybody's own can be put through.

Each check is a function of `make`, which opens the backend anew, and of a folder that it may write into; it raises
AssertionError with the rule that is broken. `DESCRIBER`, `MODEL` and `EMBEDDER` are all of them. With pytest:

    @pytest.mark.parametrize("check", contracts.DESCRIBER, ids=contracts.name)
    def test_contract(check, tmp_path):
        check(lambda: contracts.open_describer("mine"), tmp_path)

ictc's own backends go through the same checks (tests/contract).
"""

from ictc.contracts.describer import DESCRIBER
from ictc.contracts.embedder import EMBEDDER
from ictc.contracts.ground import name, open_describer, open_embedder, open_model, pictures
from ictc.contracts.model import MODEL

__all__ = ["DESCRIBER", "EMBEDDER", "MODEL", "name", "open_describer", "open_embedder", "open_model", "pictures"]
