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
    (
        r"$\mathbf W_q^x, \mathbf W_q^p$; $\mathbf W_{q,h}$",
        r"blocks of $\mathbf W_q$ for content and embedding; for head $h$",
        "Ex. 1 (b); CA 1",
    ),
    (
        r"$\mathbf B_q, \mathbf B_k$; $\mathbf C_q, \mathbf C_k$",
        "rows that act on the content only; on the embedding only",
        "Ex. 1 (b)",
    ),
    (r"$\mathbf W$", "any of these matrices", "Ex. 1"),
    (r"$d$", "dimension of queries and keys", "all"),
    (r"$s_{ij}$, $\mathbf S$", "score of key $j$ for query $i$; all scores", "all"),
    (r"$a_{ij}$, $\mathbf A$", "weight of key $j$ for query $i$; all weights", "all"),
    (
        r"$s_{hij}, a_{hij}$; $\theta_{ij}$",
        "the same of head $h$, also as a subscript of matrices; scores that all heads share",
        "CA 1",
    ),
    (r"$\mathbf y_i$, $\mathbf Y$", "output of input $i$; all outputs, one per row", "all"),
    (
        r"$\mathbf e_i$, $\mathbf I$, $\delta_{ij}$",
        "standard basis vector; identity matrix; its entry, one for $i = j$ and zero otherwise",
        "all",
    ),
    (r"$H$, $h$, $d_h$", "number of heads; one head; its dimension, $D/H$", "CA 1"),
    (
        r"$\pi$, $\boldsymbol\Pi$",
        r"a permutation: position $i$ holds input $\pi(i)$; its matrix",
        "CA 1 (d)",
    ),
    (r"$i, j$; $k, l$", "number of a query and of a key, or of a pair; other such numbers", "all"),
    (r"$r_i$, $r_{hi}$", "numbers that are the same for all keys of query $i$", "CA 1"),
    (r"$\mathbf p_i$, $D_p$", "positional embedding; its dimension", "Ex. 1"),
    (r"$\lambda_i$", "coefficients of a linear combination", "Ex. 1 (a)"),
    (
        r"$\mathbf M$, $\mathbf M^{xp}$",
        r"$\mathbf W_q\T\mathbf W_k$, in CA 1 (d) divided by $\sqrt d$; for content and embedding",
        "Ex. 1, CA 1",
    ),
    (
        r"$\alpha$; $\mathbf a, \mathbf b, \mathbf u, \mathbf z_i$",
        r"a number, in $\alpha\mathbf I$; any vectors",
        "Ex. 1 (b)",
    ),
    (
        r"$\mathbf g$, $\mathbf T$, $\mathbf R$",
        "gradient of the loss; table of learned embeddings; shift of sinusoids by $r$ positions",
        "Ex. 1 (c)",
    ),
    (
        r"$s, t$, $r$, $\omega_m, \mu_m, \nu_m$",
        "positions; a distance between them; a frequency and its two parameters",
        "Ex. 1 (c)",
    ),
    (r"$b_{i-j}$, $\tau$", "learned bias for the distance $i - j$; level of a quantile", "Ex. 2"),
    (r"$I$, $F$", r"rows of $\mathbf W_q$; inner width of a feed-forward block", "Ex. 2"),
    (r"$u, v$", r"any two numbers; in Exercise 3, $u$ is $\sum_i x_i^2$", "all"),
    (r"$x, y$, $c$", "the two observed numbers; their covariance", "Ex. 3"),
    (r"$w$, $w_0$, $\hat w$, $\hat w_0$", "slope and intercept; their fitted values", "Ex. 3"),
    (r"$n$, $\varepsilon_i$, $f$", "number of pairs; noise of pair $i$; any predictor", "Ex. 3"),
    (r"$\bar x, \bar y$", r"means of the $x_i$ and of the $y_i$", "Ex. 3"),
    (
        r"$\chi^2_n$, $\Gamma$",
        "distribution of the sum of $n$ squared standard normal variables; gamma function",
        "Ex. 3",
    ),
    (
        r"$\E$, $\Var$, $\mathcal N$",
        "expected value; variance; normal distribution and its density",
        "Ex. 3, CA 1",
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
