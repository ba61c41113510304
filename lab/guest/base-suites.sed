# Drops from the base's iommufd suites what the base's own headers do not have: the type
# of data asked for by GET_HW_INFO. base-suites-pasid.sed does the rest.

# iommufd_utils.h: the input type and its flag
/\.in_data_type = data_type,/d
/if (data_type != IOMMU_HW_INFO_TYPE_DEFAULT)/,/IOMMU_HW_INFO_FLAG_INPUT_TYPE;/d

# iommufd.c: a type that the kernel refuses
/test_err_get_hw_info(EOPNOTSUPP/,/;$/d
