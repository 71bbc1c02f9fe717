"""Camp Deposit: deposits of training camps, from payment to refund."""
