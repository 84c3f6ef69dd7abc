"""Remote components without what is remote: on the path of a stock client's Python (PYTHONPATH), this makes a component of flavor
`kubernetes` run its steps where it is asked, and one of flavor `s3` keep its files below $ELSEWHERE_FILES. Flavors, configurations
and everything else are ZenML's own, which needs neither cluster nor bucket then, nor the packages for them.
"""

import importlib.abc
import importlib.util
import os
import sys
import types


def orchestrators(module):
    from zenml.orchestrators.local.local_orchestrator import LocalOrchestrator

    class KubernetesOrchestrator(LocalOrchestrator):
        @property
        def config(self):
            return self._config

    module.KubernetesOrchestrator = KubernetesOrchestrator


def artifact_stores(module):
    from zenml.artifact_stores import LocalArtifactStore

    class S3ArtifactStore(LocalArtifactStore):
        @property
        def path(self):
            return os.path.join(os.environ["ELSEWHERE_FILES"], self.config.path.removeprefix("s3://"))

    module.S3ArtifactStore = S3ArtifactStore


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    MODULES = {"zenml.integrations.kubernetes.orchestrators": orchestrators,
               "zenml.integrations.s3.artifact_stores": artifact_stores}

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name in self.MODULES else None

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        self.MODULES[module.__name__](module)


sys.meta_path.insert(0, Finder())
