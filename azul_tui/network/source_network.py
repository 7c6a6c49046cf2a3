"""SourceNetwork: an AzulNetwork that reads every factory with the same weights.

Azul does not care which factory is which. Here each one is encoded by the same two layers, the
trunk sees the sum of the encodings, and the logits of a source come from its own encoding: if two
factories change places in the observation, so do their logits, and the value stays (a Deep Set,
Zaheer et al. 2017). The centre is no factory and has a first layer of its own.

    e_s = relu(S1 relu(S0 x_s))                 each factory s; the centre with C0 for S0
    h = W0 [other features, sum of e_s, e_centre]
    policy_s = P1 relu(P0 N(h) + U e_s)         30 logits of source s

Shapes: B positions, F features, Q sources, E units of an encoding. The rest is AzulNetwork's.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from azul_tui.game.constants import COLOR_COUNT, ROW_COUNT, source_count
from azul_tui.network.azul_network import AzulNetwork

_SOURCE_FEATURES: Final = 2 * COLOR_COUNT
"""The fields `has` and `tiles` of one source."""
_SOURCE_ACTIONS: Final = COLOR_COUNT * ROW_COUNT


class SourceNetwork(AzulNetwork):
    """A residual perceptron behind, and a policy head over, encodings of single sources."""

    def _add_input(self) -> None:
        """The encoders, and the layer that reads what they say beside everything else."""
        description = self.description
        width = description.source_width
        others = description.observation_size - _SOURCE_FEATURES * source_count(description.players)
        self.factory_layer: nn.Linear = nn.Linear(_SOURCE_FEATURES, width)
        self.centre_layer: nn.Linear = nn.Linear(_SOURCE_FEATURES, width)
        self.source_layer: nn.Linear = nn.Linear(width, width)
        self.first_layer: nn.Linear = nn.Linear(others + 2 * width, description.widths[0])

    def _add_policy(self) -> None:
        """One head for all sources."""
        description = self.description
        self.policy_hidden: nn.Linear = nn.Linear(description.widths[-1], description.policy_width)
        self.policy_source: nn.Linear = nn.Linear(
            description.source_width, description.policy_width
        )
        self.policy_output: nn.Linear = nn.Linear(description.policy_width, _SOURCE_ACTIONS)

    def _outputs(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `AzulNetwork`."""
        scaled = states.to(self.observation_scales.dtype) * self.observation_scales
        sources = source_count(self.description.players)
        cells = sources * COLOR_COUNT
        fields = scaled[:, : 2 * cells].reshape(-1, 2, sources, COLOR_COUNT)
        each = fields.transpose(1, 2).reshape(-1, sources, _SOURCE_FEATURES)
        first = torch.cat(
            [self.factory_layer(each[:, :-1]), self.centre_layer(each[:, -1:])], dim=1
        )
        encoded = F.relu(self.source_layer(F.relu(first)))
        pooled = [encoded[:, :-1].sum(dim=1), encoded[:, -1]]
        features = self._trunk(
            self.first_layer(torch.cat([scaled[:, 2 * cells :], *pooled], dim=1))
        )
        context = self.policy_hidden(features).unsqueeze(1)
        logits = self.policy_output(F.relu(context + self.policy_source(encoded)))
        return self._finish(logits.flatten(1), features)
