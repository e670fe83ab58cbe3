"""What chunks write: tables, matrices and sentences about the case, the article and the claims."""
