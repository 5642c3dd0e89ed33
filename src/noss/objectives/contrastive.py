"""wav2vec 2.0's contrastive loss on the frames of a Conformer, with linear targets, as in CAP12's line.

Spans of the log-mel are hidden. For a hidden frame t, c_t is the student's frame through a linear layer and q_t the log-mel
that was there, four frames side by side, through another: no quantiser. With cosine similarity and the temperature k,
the loss is the mean over hidden frames of (arXiv 2006.11477, eq. 3)

    -log exp(cos(c_t, q_t) / k) / sum over q in {q_t, distractors} of exp(cos(c_t, q) / k)

where distractors are targets at other hidden frames of the same crop. That targets are a linear layer's is of Zhang et al. 2020
(arXiv 2010.10504, section 2.2.1), whose Conformer XL CAP12 is (arXiv 2110.04621). All hidden frames of a crop are distractors
of each other, in place of a draw of 100: a crop of some seconds has fewer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.objectives import Batch, Needs
from noss.objectives._masked import Masked, front_ends

NEEDS = Needs()


class Objective(nn.Module):
    """Tells the hidden piece of speech from others of the same crop.

    Args:
        student: What is trained; frames at a fixed stride of its log-mel.
        dim: Size of its frames.
        stride: Frames of log-mel to a frame of the student's.
        share: Chance of a frame to begin a hidden span.
        span: Frames of the student's in a span; 10 frames at 25 a second are 400 ms.
        target_dim: Size of targets.
        temperature: Of the softmax.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        stride: int = 4,
        share: float = 0.065,
        span: int = 10,
        target_dim: int = 256,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        self.student, self.temperature = student, temperature
        self.masked = Masked(student, stride=stride, share=share, span=span, noise=0.1)
        n_mels = front_ends(student)[0].filters.shape[1]
        self.context = nn.Linear(dim, target_dim)
        self.target = nn.Linear(stride * n_mels, target_dim)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, V, T), how often the right piece comes first, and the share of hidden frames."""
        hidden = self.masked(self.student, batch)
        context_BSD = functional.normalize(self.context(hidden.frames_BSD), dim=-1)
        target_BSD = functional.normalize(self.target(hidden.features_BSF), dim=-1)
        logits_BSS = context_BSD @ target_BSD.transpose(1, 2) / self.temperature
        logits_BSS = logits_BSS.masked_fill(~hidden.masked_BS[:, None], -torch.inf)
        right_BS = torch.arange(logits_BSS.shape[1], device=logits_BSS.device).expand(logits_BSS.shape[:2])
        logits_NS, right_N = logits_BSS[hidden.masked_BS], right_BS[hidden.masked_BS]
        return {
            "loss": functional.cross_entropy(logits_NS, right_N),
            "found": (logits_NS.detach().argmax(dim=1) == right_N).float().mean(),
            "hidden": hidden.masked_BS.float().mean(),
        }
