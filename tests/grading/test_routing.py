from grading.complexity import measure
from grading.routing import Facts, Route, route


def test_the_local_model_grades_every_essay() -> None:
    found = route(Facts(characters=800, local_model="a-model"))
    assert (found.queue, found.tier) == ("local", "local")
    assert "800 characters" in found.reason


def test_without_a_model_an_essay_goes_to_a_teacher() -> None:
    found = route(Facts(characters=800, local_model=None))
    assert (found.queue, found.tier) == (None, "teacher")
    assert found.reason == "no model is configured on this installation"


def test_a_route_is_kept_as_json() -> None:
    assert Route("local", "small", "because", 0.25).to_json() == {
        "queue": "local",
        "tier": "small",
        "reason": "because",
        "complexity": 0.25,
        "parts": None,
    }


def test_a_route_says_how_complex_the_essay_is_and_why() -> None:
    complexity = measure("I like cats. You like dogs.")
    for model in ("a-model", None):
        found = route(Facts(27, model, complexity))
        assert found.complexity == complexity.to_json()["score"]
        assert found.parts == complexity.to_json()["parts"]
