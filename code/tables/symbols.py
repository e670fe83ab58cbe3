"""The table of symbols: one letter, one meaning (tests/test_symbols.py reads the documents)."""

from weaving import latex

SYMBOLS = [
    # symbol, meaning, where it is used
    (r"$N$, $D$", "number of inputs; dimension of an input", "all"),
    (r"$\mathbf x_i$, $\mathbf X$", "input $i$; all inputs, one per row", "all"),
    (
        r"$\mathbf q_i, \mathbf k_i, \mathbf v_i$; $\mathbf Q, \mathbf K, \mathbf V$",
        "query, key and value of input $i$; all of them, one per row",
        "all",
    ),
    (
        r"$\mathbf W_q, \mathbf W_k, \mathbf W_v, \mathbf W_o$",
        "matrices of queries, keys, values and the final transformation",
        "all",
    ),
    (r"$d$", "dimension of queries and keys", "all"),
    (r"$s_{ij}$, $\mathbf S$", "score of key $j$ for query $i$; all scores", "all"),
    (r"$a_{ij}$, $\mathbf A$", "weight of key $j$ for query $i$; all weights", "all"),
    (r"$\mathbf y_i$, $\mathbf Y$", "output of input $i$; all outputs, one per row", "all"),
    (
        r"$\mathbf e_i$, $\mathbf I$, $\delta_{ij}$",
        "standard basis vector; identity matrix; its entry, one for $i = j$ and zero otherwise",
        "all",
    ),
    (r"$H$, $h$, $d_h$", "number of heads; one head; its dimension, $D/H$", "CA 1"),
    (
        r"$\pi$, $\boldsymbol\Pi$",
        r"a permutation: place $i$ holds input $\pi(i)$; its matrix",
        "CA 1 (d), Ex. 2",
    ),
    (r"$r_i$, $r_{hi}$", "numbers that are the same for all keys of query $i$", "CA 1"),
    (r"$\mathbf p_i$, $D_p$", "positional embedding; its dimension", "Ex. 1"),
    (r"$\lambda_i$", "coefficients of a linear combination", "Ex. 1 (a)"),
    (
        r"$\mathbf M$, $\mathbf M^{xp}$",
        r"$\mathbf W_q\T\mathbf W_k$; its counterpart for content and position, concatenated",
        "Ex. 1",
    ),
    (r"$\alpha$, $\mathbf u$", r"a number, in $\alpha\mathbf I$; any vector", "Ex. 1 (b)"),
    (r"$\mathbf g$, $\mathbf T$", "gradient of the loss; table of learned embeddings", "Ex. 1 (c)"),
    (
        r"$s, t$, $r$, $\omega_m, \mu_m, \nu_m$",
        "positions; a distance between them; a frequency and its two parameters",
        "Ex. 1 (c)",
    ),
    (r"$b_{i-j}$", "learned bias for the distance $i - j$", "Ex. 2"),
    (
        r"$L$, $I$, $F$, $B$",
        "layers; inner and feed-forward width; number of tokens in the vocabulary",
        "Ex. 2",
    ),
    (r"$x, y$, $c$", "the two observed numbers; their covariance", "Ex. 3"),
    (r"$w$, $w_0$, $\hat w$, $\hat w_0$", "slope and intercept; their fitted values", "Ex. 3"),
    (r"$n$, $\varepsilon_i$, $f$", "number of pairs; noise of pair $i$; any predictor", "Ex. 3"),
    (
        r"$\E$, $\Var$, $\mathcal N$",
        "expected value; variance; normal distribution and its density",
        "Ex. 2, 3, CA 1",
    ),
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
