# A convenience only: ./run does the work.
.PHONY: help demo check bench chaos format test lock revision

help: ## Show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-10s %s\n", $$1, $$2}'

demo: ## Start the example store with the plugin
	./run demo

check: ## Run every check and test
	./run check

bench: ## Measure (s="ingest" for one section)
	./run bench $(s)

chaos: ## Kill processes and count what is lost (n=200)
	./run chaos $(n)

format: ## Format and fix what can be fixed
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .

test: ## Run some tests (t="tests/embedded -k kill")
	.venv/bin/python -m pytest $(t)

lock: ## Resolve the dependencies anew, from the public registry
	uv lock && .venv/bin/python .ci/lock.py check

revision: ## Write a migration from the models (url=postgresql://… m="what changes")
	.venv/bin/alembic -c migrations/alembic.ini -x url=$(url) revision --autogenerate -m "$(m)"
