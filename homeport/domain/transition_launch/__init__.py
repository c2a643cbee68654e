"""The launch of a transition: trips on trial, the last week, the first month. Knows nothing of storage."""

from homeport.domain.transition_launch.launch import (
    CheckinType,
    LaunchCategory,
    LaunchCheckin,
    LaunchDate,
    LaunchTaskStatus,
    LaunchWeekProgress,
    LaunchWeekTask,
    UserLaunchTask,
    launch_progress,
    launch_status,
)
from homeport.domain.transition_launch.shakedown import (
    IssueCategory,
    IssueSeverity,
    ShakedownIssue,
    ShakedownStats,
    ShakedownSummary,
    ShakedownTrip,
    TripType,
    TripWithIssues,
    shakedown_stats,
)

__all__ = [
    "CheckinType",
    "IssueCategory",
    "IssueSeverity",
    "LaunchCategory",
    "LaunchCheckin",
    "LaunchDate",
    "LaunchTaskStatus",
    "LaunchWeekProgress",
    "LaunchWeekTask",
    "ShakedownIssue",
    "ShakedownStats",
    "ShakedownSummary",
    "ShakedownTrip",
    "TripType",
    "TripWithIssues",
    "UserLaunchTask",
    "launch_progress",
    "launch_status",
    "shakedown_stats",
]
