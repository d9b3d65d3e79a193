"""The encoder of BERT (Devlin et al. 2019, arXiv:1810.04805) over a checkpoint's own tensors, without dropout.

transformers has it too, at two to three seconds of imports for each process: most of what a small run takes. A test
holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Bert:
    """`weights`: the tensors by a checkpoint's names (`encoder.layer.0.attention.self.query.weight`), float32."""

    weights: dict[str, Tensor]
    layers: int
    heads: int
    epsilon: float

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The last hidden state, [n, length, width], of token numbers [n, length]; `mask` is 0 where there is none."""
        import torch
        from torch.nn.functional import embedding, gelu, scaled_dot_product_attention

        n, length = ids.shape
        table = "embeddings.{}_embeddings.weight".format
        hidden = embedding(ids, self.weights[table("word")]) + self.weights[table("token_type")][0]
        hidden = self._norm(hidden + self.weights[table("position")][:length], "embeddings.LayerNorm")
        seen = torch.where(mask[:, None, None, :] > 0, 0.0, float("-inf")) if bool((mask == 0).any()) else None
        for i in range(self.layers):
            at = f"encoder.layer.{i}."
            query, key, value = (
                self._linear(hidden, f"{at}attention.self.{one}").view(n, length, self.heads, -1).transpose(1, 2)
                for one in ("query", "key", "value")
            )
            read = scaled_dot_product_attention(query, key, value, attn_mask=seen).transpose(1, 2).flatten(2)
            read = self._linear(read, f"{at}attention.output.dense")
            hidden = self._norm(read + hidden, f"{at}attention.output.LayerNorm")
            inner = gelu(self._linear(hidden, f"{at}intermediate.dense"))
            hidden = self._norm(self._linear(inner, f"{at}output.dense") + hidden, f"{at}output.LayerNorm")
        return hidden

    def _linear(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import linear

        return linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import layer_norm

        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return layer_norm(x, weight.shape, weight, bias, self.epsilon)
