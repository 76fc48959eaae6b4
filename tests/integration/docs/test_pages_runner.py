"""The checker of the documentation notices a page that is wrong."""

from tests.integration.docs.pages import matches, run, shape_of

PAGE = """# A page

```python title="hello.py"
print("hello", 3)
```

```console
$ python hello.py
hello 3
$ echo 20261123-101500-ab12 took 3.4 s
20250101-000000-ffff took 12.0 s
```
"""


def test_a_page_that_tells_the_truth_is_fine(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)

    assert run(page, tmp_path) == []


def test_a_page_that_tells_something_else_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("hello 3\n", "hello 4\n"))

    assert run(page, tmp_path) == [
        "$ python hello.py\n--- the page says\nhello 4\n--- it prints\nhello 3\n"
    ]


def test_an_ellipsis_stands_for_any_lines():
    assert matches(["a", "…", "z"], ["a", "b", "c", "z"])
    assert matches(["…"], [])
    assert not matches(["a", "…", "z"], ["a", "b"])


def test_only_the_shape_of_what_changes_is_compared():
    assert shape_of("took 3.42 s, 1.5 MB") == shape_of("took 11.0 s, 27 kB")
    assert shape_of("3 rows") != shape_of("4 rows")
    assert shape_of("run 0f3c2a11-5b7e-4d39-a73e-5158291aedb0") == shape_of(
        "run b1a73003-5e8e-4d39-a73e-5158291aedb0"
    )


def test_what_is_exported_holds_for_the_rest_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("""```console
$ export WORD=there OTHER='two words'
```

```console
$ echo $WORD, $OTHER
there, two words
```
""")

    assert run(page, tmp_path) == []
