"""BEST-RQ: the student says which code the hidden speech has, by a quantiser that is drawn once and never trained.

The quantiser (Chiu et al. 2022, arXiv 2202.01855, section 3.1) projects the standardised log-mel x of a frame by a random
matrix A (Xavier) and takes the nearest of n random unit vectors c_1 ... c_n:

    y = argmin over i of | c_i - Ax / |Ax| |

The loss is the cross-entropy of y given the student's frame, over hidden frames. Spans begin at a frame with a chance
of 0.01 and last 400 ms in the paper; the hidden part is noise of deviation 0.1; codes have 16 dimensions, 8,192 of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.objectives import Batch, Needs
from noss.objectives._masked import Masked, front_ends

NEEDS = Needs()


class Objective(nn.Module):
    """Predicts the codes of hidden speech.

    Args:
        student: What is trained; frames at a fixed stride of its log-mel.
        dim: Size of its frames.
        stride: Frames of log-mel to a frame of the student's.
        share: Chance of a frame to begin a hidden span.
        span: Frames of the student's in a span; 10 frames at 25 a second are 400 ms.
        codes: Codes in the book.
        code_dim: Their size.
    """

    projection: Tensor
    book_KC: Tensor

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        stride: int = 4,
        share: float = 0.01,
        span: int = 10,
        codes: int = 8192,
        code_dim: int = 16,
    ) -> None:
        super().__init__()
        self.student = student
        self.masked = Masked(student, stride=stride, share=share, span=span, noise=0.1)
        width = stride * front_ends(student)[0].filters.shape[1]
        self.register_buffer("projection", nn.init.xavier_uniform_(torch.empty(code_dim, width)).T)
        self.register_buffer("book_KC", functional.normalize(torch.randn(codes, code_dim), dim=1))
        self.predict = nn.Linear(dim, codes)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, V, T), how often the code is right, and how many codes are in use."""
        hidden = self.masked(self.student, batch)
        features_NF = hidden.features_BSF[hidden.masked_BS]
        codes_N = (functional.normalize(features_NF @ self.projection, dim=1) @ self.book_KC.T).argmax(dim=1)
        logits_NK = self.predict(hidden.frames_BSD[hidden.masked_BS])
        return {
            "loss": functional.cross_entropy(logits_NK, codes_N),
            "accuracy": (logits_NK.detach().argmax(dim=1) == codes_N).float().mean(),
            "codes_in_use": (torch.bincount(codes_N) > 0).sum().float(),
        }
