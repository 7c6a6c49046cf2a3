"""A network's weights rearranged for inference, with fewer and larger matrix products.

Shapes: B positions, F features, A actions, V values, W widths of the trunk. The observation's
scales go into the first matrix. Both heads' first layers become one matrix; their second layers
become one block-diagonal matrix whose zeros cost less than another call. The value's last layer
stays apart in float32: it is a dot product of 64 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from azul_tui.network.azul_network import normalised
from azul_tui.network.tensors import block_diagonal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.network.presets import NetworkDescription


class FoldedLayer(NamedTuple):
    """One matrix product: `x @ weight.T + bias`, added to its layer's input if `residual`."""

    weight: Tensor
    """`(out, in)`."""
    bias: Tensor
    """`(out,)`."""
    residual: bool = False


class FoldedWeights(NamedTuple):
    """All of a network, in the order of evaluation."""

    trunk: tuple[FoldedLayer, ...]
    heads_hidden: FoldedLayer
    """Policy and value side by side, `(P0 + V0, W)`; relu follows."""
    heads_output: FoldedLayer
    """`(A + V1, P0 + V0)` block-diagonal: logits, then the value's second hidden layer."""
    value_weight: Tensor
    """`(V, V1)` float32, on relu of the last V1 outputs; tanh follows."""
    value_bias: Tensor
    """`(V,)` float32."""

    def tensors(self) -> list[Tensor]:
        """Every tensor, in one fixed order."""
        layers = (*self.trunk, self.heads_hidden, self.heads_output)
        pairs = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
        return [*pairs, self.value_weight, self.value_bias]


def fold_weights(
    state: Mapping[str, Tensor], description: NetworkDescription, dtype: torch.dtype
) -> FoldedWeights:
    """Fold an `AzulNetwork`'s state_dict; matrices and biases in `dtype`, on the state's device."""

    def layer(name: str, *, residual: bool = False) -> FoldedLayer:
        weight, bias = state[f"{name}.weight"].detach(), state[f"{name}.bias"].detach()
        if name == "first_layer":
            weight = weight * state["observation_scales"]
        return FoldedLayer(weight.to(dtype).contiguous(), bias.to(dtype).contiguous(), residual)

    widths = description.widths
    trunk = [layer("first_layer")]
    for index in range(len(widths) - 1):
        same_width = widths[index] == widths[index + 1]
        trunk.append(layer(f"trunk_layers.{index}", residual=same_width))
    policy_hidden, value_hidden = layer("policy_hidden"), layer("value_hidden")
    hidden = FoldedLayer(
        torch.cat([policy_hidden.weight, value_hidden.weight]),
        torch.cat([policy_hidden.bias, value_hidden.bias]),
    )
    policy_output, value_hidden_2 = layer("policy_output"), layer("value_hidden_2")
    output = FoldedLayer(
        block_diagonal(policy_output.weight, value_hidden_2.weight),
        torch.cat([policy_output.bias, value_hidden_2.bias]),
    )
    return FoldedWeights(
        tuple(trunk),
        hidden,
        output,
        state["value_output.weight"].detach().float().contiguous(),
        state["value_output.bias"].detach().float().contiguous(),
    )


def evaluate_folded(weights: FoldedWeights, observations: Tensor) -> tuple[Tensor, Tensor]:
    """`(logits (B, A), values (B, V))` float32 on any device; illegal logits not masked."""
    first, *rest = weights.trunk
    hidden = F.linear(observations.to(first.weight.dtype), first.weight, first.bias)
    for layer in rest:
        branch = F.linear(normalised(hidden), layer.weight, layer.bias)
        hidden = hidden + branch if layer.residual else branch
    features = normalised(hidden)
    heads = weights.heads_hidden
    outputs = weights.heads_output
    both = F.linear(F.relu(F.linear(features, heads.weight, heads.bias)), outputs.weight)
    both = (both + outputs.bias).float()
    actions = both.shape[1] - weights.value_weight.shape[1]
    value = F.linear(F.relu(both[:, actions:]), weights.value_weight, weights.value_bias)
    return both[:, :actions].contiguous(), torch.tanh(value)
