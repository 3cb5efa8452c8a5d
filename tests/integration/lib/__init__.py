# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests with real daemons are written with."""
