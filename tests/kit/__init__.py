"""What the tests share: servers under test, an HTTP client, and makers of test data."""
