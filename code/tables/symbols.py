"""The table of symbols: one letter, one meaning (tests/test_symbols.py reads the documents)."""

from weaving import latex

SYMBOLS = [
    # symbol, meaning, where it is used
    (r"$N$, $D$", "number of inputs; numbers in one input", "all"),
    (r"$\mathbf x_i$, $\mathbf X$", "input $i$; all inputs, one to a row", "all"),
    (
        r"$\mathbf q_i, \mathbf k_i, \mathbf v_i$; $\mathbf Q, \mathbf K, \mathbf V$",
        "query, key and value of input $i$; all of them, one to a row",
        "all",
    ),
    (
        r"$\mathbf W_q, \mathbf W_k, \mathbf W_v, \mathbf W_o$",
        "weights of queries, keys, values; final transformation",
        "all",
    ),
    (r"$d$", "numbers in a query and in a key", "all"),
    (r"$s_{ij}$, $\mathbf S$", "score of key $j$ for query $i$; all scores", "all"),
    (r"$a_{ij}$, $\mathbf A$", "weight of key $j$ for query $i$; all weights", "all"),
    (r"$\mathbf y_i$, $\mathbf Y$", "output of input $i$; all outputs, one to a row", "all"),
    (r"$H$, $h$, $d_h$", "number of heads; one head; $d_h = D/H$, its numbers in a query", "CA 1"),
    (r"$\pi$", "a change of order: place $i$ holds input $\\pi(i)$", "CA 1 (d), Ex. 2"),
    (r"$\mathbf p_i$, $D_p$", "positional embedding of position $i$; its numbers", "Ex. 1"),
    (r"$\lambda_i$", "coefficients of a combination of vectors", "Ex. 1 (a)"),
    (
        r"$\mathbf e_i$, $\mathbf I$",
        "unit vector: one in place $i$, zero elsewhere; identity matrix",
        "all",
    ),
    (
        r"$\mathbf M$, $\mathbf M^{xp}$",
        r"$\mathbf W_q\T\mathbf W_k$; its block between content and position",
        "Ex. 1",
    ),
    (r"$\alpha$", r"a number, in $\mathbf M = \alpha\mathbf I$", "Ex. 1 (b)"),
    (
        r"$\omega_m$, $r$",
        "frequency $m$ of the sinusoids; a distance between positions",
        "Ex. 1 (c), Ex. 2",
    ),
    (r"$b_{i-j}$", "learned bias for the distance $i - j$", "Ex. 2"),
    (
        r"$L$, $I$, $F$, $B$",
        "layers; inner and feed-forward width; number of different tokens",
        "Ex. 2",
    ),
    (r"$x, y$, $c$", "the two observed numbers; their covariance", "Ex. 3"),
    (r"$w$, $w_0$, $\hat w$, $\hat w_0$", "slope and intercept; their fitted values", "Ex. 3"),
    (r"$n$, $\varepsilon_i$", "number of observed pairs; noise of pair $i$", "Ex. 3"),
    (r"$\E$, $\Var$", "expected value; variance", "Ex. 2, Ex. 3, CA 1 (a)"),
    (
        r"$\boldsymbol\mu$, $\boldsymbol\Sigma$, $\sigma_{xx}, \sigma_{xy}, \sigma_{yy}$",
        "means; matrix of variances and covariances; its entries",
        "Ex. 3",
    ),
]


def table():
    return latex.table(
        ["symbol", "meaning", "where"],
        SYMBOLS,
        r"l>{\raggedright}p{95mm}>{\raggedright\arraybackslash}p{28mm}",
    )
