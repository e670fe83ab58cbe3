"""Sentences and matrices about the case: true for every valid case, readable at every scale."""

import re

import numpy as np
import pytest

from solutions import attention
from solutions.cases import Case, placeholder
from tables import attention as tables
from tables import least_squares, memory, one_page, positional, spelled


def random_case(N=5, D=6, heads=(1, 3), scale=1.0, seed=1):
    rng = np.random.default_rng(seed)
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
    "all zero": Case(
        X=np.zeros((5, 6)),
        W_q=np.zeros((6, 6)),
        W_k=np.zeros((6, 6)),
        W_v=np.zeros((6, 6)),
        heads=(1, 3),
    ),
    "equal inputs": Case(
        X=np.ones((4, 6)), W_q=np.eye(6), W_k=np.eye(6), W_v=np.eye(6), heads=(1, 2)
    ),
    "scores far apart": Case(
        X=100 * random_case().X,
        W_q=random_case().W_q,
        W_k=random_case().W_k,
        W_v=random_case().W_v,
        heads=(1, 3),
    ),
    "tiny values": Case(
        X=random_case().X,
        W_q=random_case().W_q,
        W_k=random_case().W_k,
        W_v=1e-13 * random_case().W_v,
        heads=(1, 3),
    ),
}


def swapped(N):
    """The order of N inputs after the first two have changed places."""
    return [1, 0, *range(2, N)] if N > 1 else [0]


def run(case, order=slice(None)):
    return {
        H: attention.multi_head_self_attention(
            case.X[order], case.W_q, case.W_k, case.W_v, case.W_o, H
        )
        for H in case.heads
    }


@pytest.fixture(params=CASES, scope="module")
def comparison(request):
    case = CASES[request.param]
    return tables.Comparison(case, run(case))


def everything(comparison):
    """All that the report writes about a case."""
    several = comparison.several
    after = tables.Swap(
        comparison.case, comparison.results, run(comparison.case, swapped(comparison.N))
    )
    return "\n".join(
        map(
            str,
            [
                tables.where_the_numbers_come_from(comparison.case),
                comparison.the_case(),
                comparison.inputs(),
                comparison.heading(1),
                comparison.matrices(1),
                comparison.matrices_of_several() if several else "",
                comparison.how_far_apart(),
                comparison.one_query(),
                comparison.pool_confirmed(),
                after.what_happened(),
                after.every_order(),
            ],
        )
    )


def test_every_case_can_be_written_about(comparison):
    text = everything(comparison)
    assert "nan" not in text and "inf" not in re.sub(r"\\infty", "", text)
    assert not re.search(r"\d\.\d{9}", text), "a number with more digits than anyone reads"


def test_one_head_and_several_agree_only_where_they_do(comparison):
    for H in comparison.several:
        Y, Y_1 = comparison.results[H][0], comparison.results[1][0]
        apart = np.abs(Y - Y_1).max() > 1e-9 * np.abs([Y, Y_1]).max()
        assert ("differ from" in comparison._distance(H)) == bool(apart)


def test_small_outputs_are_not_called_equal():
    comparison = tables.Comparison(CASES["tiny values"], run(CASES["tiny values"]))
    assert "differ" in comparison.how_far_apart()
    assert not re.search(r"up to \$0\.0+\$", comparison.how_far_apart())


def test_rounding_is_told_only_of_what_rounding_can_explain():
    rng = np.random.default_rng(2)
    X = np.vstack([rng.standard_normal((1, 64))] * 7) * 1e6
    W_q, W_k, W_v = rng.standard_normal((3, 64, 64))
    case = Case(X=X, W_q=W_q, W_k=W_k, W_v=W_v, heads=(1, 2))
    assert "scores are as large as" in tables._as_rounding(case, 1e-4)
    with pytest.raises(ValueError, match="rounding explains"):
        tables._as_rounding(CASES["placeholder"], 1e-4)
    assert "move with the inputs" in tables.Swap(case, run(case), run(case)).every_order()


def test_of_many_heads_the_table_shows_some_and_says_so():
    case = random_case(D=12, heads=(1, 12))
    assert "Of 12 heads the first 6" in tables.Comparison(case, run(case)).one_query()


def test_a_file_name_is_printed_as_it_is():
    case = Case(
        X=np.ones((2, 2)), W_q=np.eye(2), W_k=np.eye(2), W_v=np.eye(2), source="a b é_%.npz"
    )
    name = str(tables.source_of(case)).replace(r"\allowbreak{}", "")
    assert name == r"the file \texttt{a b é\_\%.npz}"


def test_the_pool_of_the_heads_is_the_single_head(comparison):
    for H in comparison.several:
        np.testing.assert_allclose(comparison._pool(H), comparison.results[1][1][0], atol=1e-9)


def test_that_small_weights_are_rounded_is_said_once(comparison):
    text = "".join(comparison.heading(H) for H in comparison.case.heads)
    small = any((A < 0.0005).any() for _, A in comparison.results.values())
    assert text.count("is printed as $0.000$") == small


def test_the_rival_of_the_followed_key_has_the_next_largest_weight():
    comparison = tables.Comparison(CASES["placeholder"], run(CASES["placeholder"]))
    i, j = comparison._query_and_key(3)
    weights = comparison.results[1][1][0, i]
    rival = max(set(range(5)) - {j}, key=weights.__getitem__)
    text = comparison.one_query()
    assert f"for key {j + 1}; of the other keys, key {rival + 1} has" in text
    assert f"become {weights[j]:#.3g} and {weights[rival]:#.3g}." in text


def test_a_veto_is_told_only_where_there_is_one():
    clear = tables.Comparison(CASES["placeholder"], run(CASES["placeholder"]))
    equal = tables.Comparison(CASES["equal inputs"], run(CASES["equal inputs"]))
    assert "pulls the weight down" in clear.one_query()
    assert "pulls the weight down" not in equal.one_query()


def test_a_swap_that_moved_something_else_is_refused():
    case = CASES["placeholder"]
    wrong = tables.Swap(case, run(case), run(case, [1, 0, 2, 4, 3]))
    with pytest.raises(ValueError, match="other outputs"):
        wrong.what_happened()
    with pytest.raises(ValueError, match="changed places"):
        tables.Swap(case, run(case), run(case, [0, 1, 2, 3, 4])).what_happened()


def test_weights_too_small_for_a_float_are_still_printed():
    assert tables._significant(np.log(0.25)) == "0.250" and tables._significant(0.0) == "1.00"
    assert tables._significant(-200 * np.log(10) + np.log(3)) == r"$3.0\times10^{-200}$"


def test_the_two_tokens_come_out_as_the_page_says():
    two = one_page.example()
    arrays = two.arrays()
    np.testing.assert_allclose(arrays["weights"].sum(axis=1), 1)
    np.testing.assert_allclose(arrays["weights"] @ arrays["v"], arrays["output"])
    assert two.q(2) == r"(2,\, 2)" and two.product(2, 2) == "4"
    exponentials = [float(two.exponential(1, j)) for j in (1, 2)]
    assert float(two.total(1)) == pytest.approx(sum(exponentials), abs=0.011)


def test_the_collision_is_one():
    assert positional.collision("x") != positional.collision("other")
    assert positional.collision("sum") == r"(1.3,\, 0.5,\, 0.0)"


def test_the_table_of_addition_and_concatenation_counts_weights():
    text = positional.addition_and_concatenation()
    assert r"(65\,536)" in text and r"(131\,072)" in text  # 2 x 64 x 512 and twice as many


def test_the_table_of_fits_gives_the_error_of_each_slope():
    rows = [row.split(" & ") for row in least_squares.fits(0.6).splitlines() if row[0].isdigit()]
    assert len(rows) == len(least_squares.SIZES)
    for _, slope, error, *_ in rows:
        assert abs(float(slope) - 0.6) == pytest.approx(float(error), abs=0.0011)


def test_small_counts_are_spelled_out():
    assert [spelled(n) for n in (2, 9, 10, 22)] == ["two", "nine", "10", "22"]


@pytest.mark.parametrize("c", [0.0, 1.0, -1.5])
def test_the_example_of_exercise_3_needs_a_correlation(c):
    with pytest.raises(ValueError, match=str(c)):
        least_squares.example(c)


def test_the_measurements_can_all_be_written_and_drawn():
    found = memory.Measurements()
    text = "\n".join(
        [
            found.too_much(),
            found.deviations(),
            found.conditions(),
            found.growth(),
            found.ratio_table(),
        ]
    )
    assert "nan" not in text and found.ratio_table().count(r"\\") == 2 * len(found.sizes) + 1
    assert set(found.scaling()["seconds"]) == {"plain", "jax", "torch", "ours"}
    assert found.roofline()["with_exp"] < found.roofline()["flops"]
