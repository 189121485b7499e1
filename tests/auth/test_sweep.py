"""The hourly sweep is a writing transaction a chunk, so it may not walk over what thousands sign in with."""

from sqlalchemy import text

from core.db import transaction

#: What refers to a row that the sweep deletes, without an index that finds it.
_WALKED = """
    SELECT f.conname FROM pg_constraint f
     WHERE f.contype = 'f' AND f.confrelid = ANY ('{auth.token_family,auth.sign_in,auth.session}'::regclass[])
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.conrelid AND i.indkey[0] = f.conkey[1])
"""


def test_what_refers_to_a_swept_row_is_found_by_an_index(database: None) -> None:
    with transaction() as session:
        assert session.scalars(text(_WALKED)).all() == []
