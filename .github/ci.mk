# What the workflows call; each works by hand as well, where the programs that it needs are:
#   make ci-deploy TARGET=test TAG="$(git rev-parse HEAD)"
# Values come from the environment or from make's own line, and reach the shell as variables: nothing
# that somebody named becomes a part of a script.
BUILDER ?= docker
ARCHIVE ?= image.tar
ACCOUNT_TESTS ?= tests/integration/emulator tests/integration/snowflake
export BUILDER ARCHIVE

SIGNED_IN := $(PYTHON) .github/scripts/signed_in.py
AS_CI := $(SIGNED_IN) $(BIN)/mlops
needs = $(foreach name,$(1),: "$${$(name):?name it: make $@ $(name)=…}";)

.PHONY: ci-image
ci-image: $(VENV)/.run # TAG, BUILDER
	@$(call needs,TAG) $(BIN)/mlops image build --builder "$$BUILDER" --tag "$$TAG" $(ARGS)

# One file, which is scanned, signed and given to every target.
.PHONY: ci-image-save
ci-image-save: # TAG, BUILDER, ARCHIVE
	@$(call needs,TAG) case "$$BUILDER" in \
		buildah) buildah push --quiet "mlops_framework:$$TAG" "docker-archive:$$ARCHIVE:localhost/mlops_framework:$$TAG" ;; \
		*) "$$BUILDER" save --output "$$ARCHIVE" "mlops_framework:$$TAG" ;; esac

.PHONY: ci-image-load
ci-image-load: # BUILDER, ARCHIVE
	@case "$$BUILDER" in \
		buildah) buildah pull --quiet "docker-archive:$$ARCHIVE" ;; \
		*) "$$BUILDER" load --input "$$ARCHIVE" ;; esac

.PHONY: ci-image-verify
ci-image-verify: # ARCHIVE; asks GitHub
	@$(call needs,GITHUB_REPOSITORY) gh attestation verify "$$ARCHIVE" --repo "$$GITHUB_REPOSITORY" --signer-workflow "$$GITHUB_REPOSITORY/.github/workflows/ci-cd.yml"

.PHONY: ci-recorded-state
ci-recorded-state: # TARGET, BRANCH; asks GitHub or GitLab
	@$(call needs,TARGET BRANCH) $(PYTHON) .github/scripts/recorded_state.py --target "$$TARGET" --branch "$$BRANCH" --out state.json

# From state.json, where there is one, and without an account.
.PHONY: ci-plan
ci-plan: $(VENV)/.dev # TARGET, TAG
	@rm -f plan.txt
	@$(call needs,TARGET TAG) test ! -e state.json || $(BIN)/mlops plan --target "$$TARGET" --state state.json --tag "$$TAG" > plan.txt
	@$(PYTHON) .github/scripts/plan_comment.py --target "$$TARGET" --plan plan.txt --out plan.md

.PHONY: ci-env
ci-env: $(VENV)/.dev # NAME, ROLE
	@$(call needs,NAME ROLE) $(AS_CI) env create "$$NAME" --shared --role "$$ROLE" --yes

.PHONY: ci-env-expired
ci-env-expired: $(VENV)/.dev # ROLE
	@$(call needs,ROLE) $(AS_CI) env destroy --expired --role "$$ROLE" --yes

.PHONY: ci-push
ci-push: $(VENV)/.dev # TARGET, TAG, BUILDER
	@$(call needs,TARGET TAG) $(AS_CI) image push --builder "$$BUILDER" --target "$$TARGET" --tag "$$TAG"

.PHONY: ci-deploy
ci-deploy: $(VENV)/.dev # TARGET, TAG, APPROVE where the target asks for an approval
	@$(call needs,TARGET TAG) $(AS_CI) deploy --target "$$TARGET" --tag "$$TAG" --yes $${APPROVE:+--approve "$$APPROVE"}

# A deployment that stopped half-way.
.PHONY: ci-undo
ci-undo: $(VENV)/.dev # TARGET
	@$(call needs,TARGET) $(AS_CI) rollback last --target "$$TARGET" --yes

.PHONY: ci-graph
ci-graph: $(VENV)/.dev # TARGET
	@$(call needs,TARGET) $(AS_CI) tasks run --target "$$TARGET" --wait $(ARGS)

# To the deployment before.
.PHONY: ci-back
ci-back: $(VENV)/.dev # TARGET
	@$(call needs,TARGET) $(AS_CI) rollback --target "$$TARGET" --yes

.PHONY: ci-state
ci-state: $(VENV)/.dev # TARGET
	@$(call needs,TARGET) $(AS_CI) state pull --target "$$TARGET" --out state.json

.PHONY: ci-account-tests
ci-account-tests: $(VENV)/.dev # ACCOUNT_TESTS
	@$(SIGNED_IN) $(PYTEST) -m "not deep" $(ACCOUNT_TESTS)
