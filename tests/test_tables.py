"""Sentences and matrices about the case: true for every valid case, readable at every scale."""

import re
from dataclasses import replace

import numpy as np
import pytest

from solutions import attention
from solutions.cases import Case, placeholder
from solutions.wording import short, spell_out, vector
from tables import attention as tables
from tables import in_brief, least_squares, memory, positional


def random_case(N=5, D=6, heads=(1, 3), scale=1.0):
    rng = np.random.default_rng(1)
    X, W_q, W_k, W_v = (rng.standard_normal(shape) for shape in [(N, D), *[(D, D)] * 3])
    return Case(X=X * scale, W_q=W_q / scale, W_k=W_k, W_v=W_v, heads=heads)


CASES = {
    "placeholder": placeholder(),
    "one input": random_case(N=1),
    "one column": random_case(D=1, heads=(1,)),
    "two inputs": random_case(N=2),
    "a head for each column": random_case(heads=(1, 6)),
    "three numbers of heads": random_case(D=8, heads=(1, 2, 4)),
    "one head only": random_case(heads=(1,)),
    "200 inputs": random_case(N=200, D=12),
    "tiny inputs": random_case(scale=1e-150),
    "huge inputs": random_case(scale=1e150),
    "zero inputs": replace(random_case(), X=np.zeros((5, 6))),
    "equal inputs": replace(random_case(), X=np.ones((5, 6))),
    "scores far apart": replace(random_case(), X=100 * random_case().X),
    "tiny values": replace(random_case(), W_v=1e-13 * random_case().W_v),
    "another final transformation": replace(random_case(), W_o=random_case().W_k),
}


def run(case, order=slice(None)):
    return {
        H: attention.multi_head_self_attention(case.X[order], *case.weights, H) for H in case.heads
    }


def compare(case):
    return tables.Comparison(case, run(case))


@pytest.fixture(params=CASES, scope="module")
def comparison(request):
    return compare(CASES[request.param])


# Computer assignment 1


def test_the_text_of_any_case_has_no_undefined_or_endless_number(comparison):
    case = comparison.case
    order = [1, 0, *range(2, comparison.N)] if comparison.N > 1 else [0]
    swap = tables.Swap(case, comparison.results, run(case, order))
    text = "\n".join(
        [
            tables.data_note(case),
            comparison.case_summary(),
            comparison.inputs(),
            comparison.heading(1),
            comparison.matrices(1),
            comparison.matrices_of_several(),
            comparison.differences(),
            comparison.one_query(),
            comparison.confirm_pool(),
            swap.result(),
            swap.every_order(),
        ]
    )
    assert "nan" not in text and "inf" not in text
    assert not re.search(r"\d\.\d{9}", text)


def test_outputs_are_said_to_differ_where_they_do(comparison):
    for H in comparison.several:
        Y, Y_1 = comparison.results[H][0], comparison.results[1][0]
        apart = np.abs(Y - Y_1).max() > 1e-9 * np.abs([Y, Y_1]).max()
        assert ("differ from" in comparison._distance(H)) == bool(apart)


def test_a_small_difference_is_not_printed_as_zero():
    text = compare(CASES["tiny values"]).differences()
    assert "differ" in text and not re.search(r"up to \$0\.0+\$", text)


def test_a_deviation_is_called_rounding_only_if_rounding_explains_it():
    rng = np.random.default_rng(2)
    X = np.vstack([rng.standard_normal((1, 64))] * 7) * 1e6
    W_q, W_k, W_v = rng.standard_normal((3, 64, 64))
    case = Case(X=X, W_q=W_q, W_k=W_k, W_v=W_v, heads=(1, 2))
    assert "scores are as large as" in tables._as_rounding(case, 1e-4)
    with pytest.raises(ValueError, match="rounding explains"):
        tables._as_rounding(CASES["placeholder"], 1e-4)
    assert "move with the inputs" in tables.Swap(case, run(case), run(case)).every_order()


def test_the_table_of_one_query_says_which_heads_it_shows():
    assert "Of 12 heads the first 6" in compare(random_case(D=12, heads=(1, 12))).one_query()


def test_a_file_name_is_printed_as_it_is():
    case = replace(random_case(), source="a b é_%.npz")
    name = tables.source_of(case).replace(r"\allowbreak{}", "")
    assert name == r"the file \texttt{a b é\_\%.npz}"


def test_that_no_weight_is_zero_is_not_said_of_a_single_input(comparison):
    assert ("exactly zero or one" in comparison.case_summary()) == (comparison.N > 1)


def test_the_query_that_is_followed_has_the_output_that_differs_most(comparison):
    H = (comparison.several or [1])[0]
    _, i = comparison.weights_of_several()
    apart = np.abs(comparison.results[H][0] - comparison.results[1][0]).max(axis=1)
    if i is None:
        assert H == 1 or comparison.N == 1
    else:
        assert apart[i] == apart.max()
        assert f"query {i + 1} and key" in comparison.one_query()


def test_the_columns_of_a_head_are_those_that_it_supplies():
    text = compare(CASES["placeholder"]).one_query()
    assert "head 2 supplies columns 3 and 4" in text and "-1.440)$ with three heads" in text


def test_the_rival_of_a_key_has_the_next_largest_weight():
    comparison = compare(CASES["placeholder"])
    i, j = comparison._query_and_key(3)
    weights = comparison.results[1][1][0, i]
    rival = max(set(range(5)) - {j}, key=weights.__getitem__)
    text = comparison.one_query()
    assert f"for key {j + 1}; of the other keys, key {rival + 1} has" in text
    assert f"become {tables._significant(np.log(weights[j]))} and {weights[rival]:#.3g}." in text


@pytest.mark.parametrize("name, conflict", [("placeholder", True), ("equal inputs", False)])
def test_a_head_is_said_to_overrule_another_only_where_it_does(name, conflict):
    assert ("outweighs" in compare(CASES[name]).one_query()) == conflict


@pytest.mark.parametrize("order", [[1, 0, 2, 4, 3], [0, 1, 2, 3, 4]])
def test_a_swap_that_moved_something_else_is_refused(order):
    case = CASES["placeholder"]
    with pytest.raises(ValueError, match="outputs 1 and 2"):
        tables.Swap(case, run(case), run(case, order)).result()


def test_weights_too_small_for_a_float_are_printed():
    assert tables._significant(np.log(0.25)) == "0.250" and tables._significant(0.0) == "1.00"
    assert tables._significant(np.log(0.00099999)) == r"$1.0\times10^{-3}$"
    assert tables._significant(-400 * np.log(10) + np.log(3)) == r"$3.0\times10^{-400}$"
    assert tables._significant(-1e4) == r"$<10^{-999}$"


# The other parts


def test_the_numbers_of_the_two_tokens():
    two = in_brief.Example()
    assert two.Q[1].tolist() == [2, 2] and two.products[1, 1] == 4
    exponentials = [float(short(value)) for value in two.exponentials[0]]
    assert float(short(two.exponentials[0].sum())) == pytest.approx(sum(exponentials), abs=0.011)


def test_the_two_contents_of_a_collision_differ():
    assert positional.collision("x") != positional.collision("other")
    assert positional.collision("sum") == "(1.3, 0.5, 0.0)"


def test_the_table_of_fits_gives_the_error_of_each_slope():
    rows = [row.split(" & ") for row in least_squares.fits(0.6).splitlines() if row[0].isdigit()]
    assert len(rows) == len(least_squares.SIZES)
    for _, slope, error, *_ in rows:
        assert abs(float(slope) - 0.6) == pytest.approx(float(error), abs=0.0011)


def test_how_numbers_are_written():
    assert [spell_out(n) for n in (2, 9, 10, 22)] == ["two", "nine", "10", "22"]
    assert short(-0.004) == "0" and short(2) == "2"
    assert vector([-0.71, 0.5]) == "(-0.71, 0.50)"


def test_the_numbers_about_the_measurements():
    found = memory.Measurements()
    numbers = found.deviation(300), found.held(found.longest), found.speed_reached()
    assert "nan" not in "".join(numbers) + found.ratio_table()
    assert found.ratio_table().count(r"\\") == 2 * len(found.sizes) + 1
    assert set(found.scaling()["seconds"]) == {"plain", "jax", "torch", "ours"}
    assert found.roofline()["with_exp"] < found.roofline()["flops"]
