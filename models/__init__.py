"""The tables. Postgres is the truth; everything else is a doorbell or a copy."""

from models.alert import Alert
from models.anchor import Anchor, Drift
from models.appeal import Appeal
from models.base import Base
from models.budget import Budget, BudgetSpending, Period
from models.cache_entry import CacheBound, CacheEntry
from models.calibration import Calibration
from models.copy import Overlap, Signature
from models.cost_rollup import CostHour, CostRollup, CostTotal, OwnerTotal, SavingHour
from models.coursework import Assignment, Release, RubricVersion
from models.essay import Essay, EssayState, EssayTransition, Grading, Source
from models.llm_call import CallOutcome, LlmCall
from models.notice import Notice
from models.people import Class, Membership, Role, Token, User
from models.provider_batch import BatchItem, BatchState, ItemOutcome, ProviderBatch
from models.question import Question
from models.regrade import Regrade
from models.saving import EssaySaving
from models.second_look import SecondLook
from models.switch import Switch

__all__ = [
    "Alert",
    "Anchor",
    "Appeal",
    "Assignment",
    "Base",
    "BatchItem",
    "BatchState",
    "Budget",
    "BudgetSpending",
    "CacheBound",
    "CacheEntry",
    "Calibration",
    "CallOutcome",
    "Class",
    "CostHour",
    "CostRollup",
    "CostTotal",
    "Drift",
    "Essay",
    "EssaySaving",
    "EssayState",
    "EssayTransition",
    "Grading",
    "ItemOutcome",
    "LlmCall",
    "Membership",
    "Notice",
    "Overlap",
    "OwnerTotal",
    "Period",
    "ProviderBatch",
    "Question",
    "Regrade",
    "Release",
    "Role",
    "RubricVersion",
    "SavingHour",
    "SecondLook",
    "Signature",
    "Source",
    "Switch",
    "Token",
    "User",
]
