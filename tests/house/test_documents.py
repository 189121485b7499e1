"""Each door's OpenAPI document is built without a doubt: two schemas of one name would take each other's place."""

import warnings

from flask import Flask

from app.factory import create_app


def test_building_the_documents_raises_no_warning(app: Flask) -> None:
    # `app` has imported every room, so that only the building is heard.
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        built = create_app(app.extensions["settings"])
        documents = [built.test_client().get(f"/openapi/{name}.json") for name in built.extensions["apis"]]

    assert [str(warning.message) for warning in heard] == []
    assert {answer.status_code for answer in documents} == {200}
