"""NetworkEvaluator: the callable that a search asks about its leaves.

Shapes: B = `batch_size` positions, F features, A actions, V values. A row's result depends on
its own observation and on B, never on the other rows or on where it stands among them; B is
fixed because matrix products of another size may round differently. In bfloat16 an untrained
network's legal logits are off by at most 0.004 and its values by 0.003.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.network.compute import (
    Candidate,
    choose_inference,
    create_inference,
    inference_candidates,
    resolve_device,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from azul_tui.network.inference import Float32Array, Inference, Int8Array
    from azul_tui.network.model import AzulNetwork, NetworkDescription


class NetworkEvaluator:
    """A network frozen for inference: `evaluator(observations) -> (logits, values)`."""

    def __init__(
        self,
        network: AzulNetwork,
        batch_size: int,
        device: str | torch.device = "cpu",
        precision: str = "auto",
        implementation: str = "auto",
    ) -> None:
        """Copy the network's weights into the layout of the device.

        Args:
            network: Read now and in `load_network`; training it changes nothing here.
            batch_size: B, rows of every call.
            device: "auto", "cpu", "cuda" or "mps".
            precision: "auto", "float32" or "bfloat16".
            implementation: See `create_inference`; "auto" is what is fastest on this machine, as
                timing found when it was first asked.

        Raises:
            ConfigError: No such device, precision or implementation.
            ValueError: The batch size is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.description: NetworkDescription = network.description
        self.batch_size: int = batch_size
        chosen = resolve_device(device) if isinstance(device, str) else device
        self.device: torch.device = chosen
        if implementation == "auto":
            timing = choose_inference(self.description, batch_size, chosen, precision)
            candidates = inference_candidates(self.description, chosen, precision)
            candidate = next(each for each in candidates if each.name == timing.chosen)
        else:
            candidate = Candidate(implementation, precision)
        self.candidate: Candidate = candidate
        self._inference: Inference = create_inference(
            self.description, batch_size, chosen, candidate
        )
        self._shape: tuple[int, int] = (batch_size, self.description.observation_size)
        self.load_network(network)

    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """Logits `(B, A)` and values `(B, V)`, both float32 and overwritten by the next call.

        Logits of illegal actions are whatever the network says: a search reads legal ones only.

        Args:
            observations: `(B, F)` int8, raw.

        Raises:
            ValueError: Another shape or type.
        """
        if observations.shape != self._shape or observations.dtype != np.int8:
            got = f"{observations.shape} {observations.dtype}"
            raise ValueError(f"observations must be {self._shape} int8, got {got}")
        return self._inference(observations)

    def load_weights(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict of a network of the same description."""
        self._inference.load(state)

    def load_network(self, network: AzulNetwork) -> None:
        """`load_weights` from a network.

        Raises:
            ValueError: It has other sizes.
        """
        if network.description != self.description:
            raise ValueError(f"the network is {network.description}, not {self.description}")
        self.load_weights(network.state_dict())
